;; Fails for a while: traps on a message until the clock shows its setting `until`, in milliseconds since 1970, and
;; passes it after. With the settings `pointer` and `value` it does so only for messages that have this text there, and
;; passes all others at once.
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
  (core func $now (canon lower (func $clock "now")))
  (core module $m
    (import "memory" "memory" (memory 32))
    (import "host" "json" (func $json (param i32 i32 i32 i32)))
    (import "host" "get" (func $get (param i32 i32 i32)))
    (import "host" "now" (func $now (result i64)))
    (data (i32.const 1024) "pointervalueuntil")
    ;; whether the two texts, each an address and a length, are the same
    (func $same (param $a i32) (param $a_length i32) (param $b i32) (param $b_length i32) (result i32) (local $at i32)
      (if (i32.ne (local.get $a_length) (local.get $b_length)) (then (return (i32.const 0))))
      (loop $again
        (if (i32.eq (local.get $at) (local.get $a_length)) (then (return (i32.const 1))))
        (if (i32.ne (i32.load8_u (i32.add (local.get $a) (local.get $at)))
                    (i32.load8_u (i32.add (local.get $b) (local.get $at))))
          (then (return (i32.const 0))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $again))
      unreachable)
    (func $number (param $text i32) (param $length i32) (result i64) (local $at i32) (local $value i64)
      (loop $again
        (if (i32.eq (local.get $at) (local.get $length)) (then (return (local.get $value))))
        (local.set $value (i64.add (i64.mul (local.get $value) (i64.const 10))
          (i64.sub (i64.load8_u (i32.add (local.get $text) (local.get $at))) (i64.const 48))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $again))
      unreachable)
    ;; gives a result<verdict, string> at 16, which is ok(pass) unless something is written there
    (func (export "on-message") (param $message i32) (result i32)
      (call $get (i32.const 1024) (i32.const 7) (i32.const 64)) ;; pointer: option at 64, address at 68, length at 72
      (if (i32.load8_u (i32.const 64)) (then
        (call $json (local.get $message) (i32.load (i32.const 68)) (i32.load (i32.const 72)) (i32.const 80))
        (if (i32.eqz (i32.load8_u (i32.const 80))) (then (return (i32.const 16))))
        (call $get (i32.const 1031) (i32.const 5) (i32.const 96)) ;; value
        (if (i32.eqz (call $same (i32.load (i32.const 84)) (i32.load (i32.const 88))
                                 (i32.load (i32.const 100)) (i32.load (i32.const 104))))
          (then (return (i32.const 16))))))
      (call $get (i32.const 1036) (i32.const 5) (i32.const 112)) ;; until
      (if (i32.eqz (i32.load8_u (i32.const 112))) (then unreachable))
      (if (i64.lt_u (call $now) (call $number (i32.load (i32.const 116)) (i32.load (i32.const 120)))) (then unreachable))
      (i32.const 16)))
  (core instance $i (instantiate $m
    (with "memory" (instance $memory))
    (with "host" (instance (export "json" (func $json)) (export "get" (func $get)) (export "now" (func $now))))))
  (func $f (param "msg" (own $message)) (result (result $verdict (error string)))
    (canon lift (core func $i "on-message") (memory (core memory $memory "memory"))))
  (instance $out (export "message" (type $message)) (export "verdict" (type $verdict)) (export "on-message" (func $f)))
  (export "postern:filter/message-handler@0.1.0" (instance $out)))
