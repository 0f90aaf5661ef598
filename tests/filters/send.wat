;; Splits every message in two: it goes to the clients labelled desk=1, and a text of its own to everyone but client 7.
(component
  (import "postern:filter/types@0.1.0" (instance $types
    (export "message" (type $message (sub resource)))
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
  (alias export $types "message" (type $message))
  (alias export $types "verdict" (type $verdict))
  (core module $m
    (memory (export "memory") 1)
    (data (i32.const 64) "desk1   other")
    ;; takes a message handle, gives a pointer to result<verdict, string>: the result's case is the byte at 0, the
    ;; verdict's the byte at 4, and what the verdict carries begins at 8
    (func (export "on-message") (param i32) (result i32)
      (i32.store8 (i32.const 20) (i32.const 3)) ;; send: two deliveries of 36 bytes each, at 128
      (i32.store (i32.const 24) (i32.const 128)) (i32.store (i32.const 28) (i32.const 2))
      ;; the first: any-label, a list of one label at 256
      (i32.store8 (i32.const 128) (i32.const 2)) (i32.store (i32.const 132) (i32.const 256)) (i32.store (i32.const 136) (i32.const 1))
      (i32.store (i32.const 256) (i32.const 64)) (i32.store (i32.const 260) (i32.const 4))
      (i32.store (i32.const 264) (i32.const 68)) (i32.store (i32.const 268) (i32.const 1))
      ;; the second: everyone, except a list of one id at 272, with a payload
      (i32.store (i32.const 176) (i32.const 272)) (i32.store (i32.const 180) (i32.const 1))
      (i64.store (i32.const 272) (i64.const 7))
      (i32.store8 (i32.const 184) (i32.const 1))
      (i32.store (i32.const 192) (i32.const 72)) (i32.store (i32.const 196) (i32.const 5))
      (i32.const 16)))
  (core instance $i (instantiate $m))
  (func $f (param "msg" (own $message)) (result (result $verdict (error string)))
    (canon lift (core func $i "on-message") (memory (core memory $i "memory"))))
  (instance $out (export "message" (type $message)) (export "verdict" (type $verdict)) (export "on-message" (func $f)))
  (export "postern:filter/message-handler@0.1.0" (instance $out)))
