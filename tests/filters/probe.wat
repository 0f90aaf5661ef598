;; Asks postern for what it may. Its setting `pointer` is looked up in the message as JSON: what is there becomes the
;; body, and where there is nothing the message is dropped. Its setting `refuse` is the error with which it refuses to
;; be configured. It logs a hundred lines a call, and asks the time.
(component
  (import "postern:filter/types@0.1.0" (instance $types
    (export "message" (type $message (sub resource)))
    (export "[method]message.json" (func (param "self" (borrow $message)) (param "pointer" string) (result (option string))))
    (type $label' (record (field "key" string) (field "value" string)))
    (export "label" (type $label (eq $label')))
    (type $format' (enum "text" "binary"))
    (export "format" (type $format (eq $format')))
    (type $payload' (record (field "format" $format) (field "data" (list u8))))
    (export "payload" (type $payload (eq $payload')))
    (type $selector' (variant (case "everyone") (case "clients" (list u64)) (case "any-label" (list $label))
      (case "all-labels" (list $label))))
    (export "selector" (type $selector (eq $selector')))
    (type $delivery' (record (field "to" $selector) (field "except" (list u64)) (field "payload" (option $payload))))
    (export "delivery" (type $delivery (eq $delivery')))
    (type $verdict' (variant (case "pass") (case "drop" (option string)) (case "rewrite" $payload)
      (case "send" (list $delivery))))
    (export "verdict" (type $verdict (eq $verdict')))))
  (import "postern:filter/config@0.1.0" (instance $config
    (export "get" (func (param "key" string) (result (option string))))))
  (import "postern:filter/log@0.1.0" (instance $log
    (type $level' (enum "trace" "debug" "info" "warn" "error"))
    (export "level" (type $level (eq $level')))
    (type $field' (record (field "key" string) (field "value" string)))
    (export "field" (type $field (eq $field')))
    (export "write" (func (param "level" $level) (param "text" string) (param "fields" (list $field))))))
  (import "postern:filter/clock@0.1.0" (instance $clock (export "now" (func (result u64)))))
  (alias export $types "message" (type $message))
  (alias export $types "verdict" (type $verdict))
  (core module $memory
    (memory (export "memory") 32)
    (global $next (mut i32) (i32.const 4096))
    ;; gives out memory once, from 4096 upward, in steps of eight
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $given i32)
      (local.set $given (global.get $next))
      (global.set $next (i32.and (i32.add (i32.add (global.get $next) (local.get 3)) (i32.const 7)) (i32.const -8)))
      (local.get $given)))
  (core instance $memory (instantiate $memory))
  (core func $json (canon lower (func $types "[method]message.json")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core func $get (canon lower (func $config "get")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core func $write (canon lower (func $log "write") (memory (core memory $memory "memory"))))
  (core func $now (canon lower (func $clock "now")))
  (core module $m
    (import "memory" "memory" (memory 32))
    (import "host" "json" (func $json (param i32 i32 i32 i32)))
    (import "host" "get" (func $get (param i32 i32 i32)))
    (import "host" "write" (func $write (param i32 i32 i32 i32 i32)))
    (import "host" "now" (func $now (result i64)))
    (data (i32.const 1024) "pointerrefusea line\0a")
    ;; result<_, string> at 16
    (func (export "configure") (result i32)
      (call $get (i32.const 1031) (i32.const 6) (i32.const 32))
      (i32.store8 (i32.const 16) (i32.load8_u (i32.const 32)))
      (i64.store align=4 (i32.const 20) (i64.load align=4 (i32.const 36)))
      (i32.const 16))
    ;; result<verdict, string> at 16
    (func (export "on-message") (param $message i32) (result i32) (local $line i32)
      (if (i64.eqz (call $now)) (then unreachable))
      (loop $again
        (call $write (i32.const 2) (i32.const 1037) (i32.const 7) (i32.const 0) (i32.const 0))
        (local.set $line (i32.add (local.get $line) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $line) (i32.const 100))))
      (call $get (i32.const 1024) (i32.const 7) (i32.const 64))
      (if (i32.eqz (i32.load8_u (i32.const 64))) (then unreachable))
      (call $json (local.get $message) (i32.load (i32.const 68)) (i32.load (i32.const 72)) (i32.const 80))
      (if (i32.eqz (i32.load8_u (i32.const 80)))
        (then (i32.store8 (i32.const 20) (i32.const 1))) ;; drop, without a reason
        (else
          (i32.store8 (i32.const 20) (i32.const 2)) ;; rewrite, to text
          (i64.store align=4 (i32.const 28) (i64.load align=4 (i32.const 84)))))
      (i32.const 16)))
  (core instance $i (instantiate $m
    (with "memory" (instance $memory))
    (with "host" (instance (export "json" (func $json)) (export "get" (func $get)) (export "write" (func $write))
      (export "now" (func $now))))))
  (func $configure (result (result (error string)))
    (canon lift (core func $i "configure") (memory (core memory $memory "memory"))))
  (instance $setup (export "configure" (func $configure)))
  (export "postern:filter/setup@0.1.0" (instance $setup))
  (func $f (param "msg" (own $message)) (result (result $verdict (error string)))
    (canon lift (core func $i "on-message") (memory (core memory $memory "memory"))))
  (instance $out (export "message" (type $message)) (export "verdict" (type $verdict)) (export "on-message" (func $f)))
  (export "postern:filter/message-handler@0.1.0" (instance $out)))
