;; Says that it rewrites every body to 1 GiB, which it does not have.
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
    (memory (export "memory") 130)
    ;; takes a message handle, gives a pointer to result<verdict, string>: the result's case is the byte at 0, the
    ;; verdict's the byte at 4, and what the verdict carries begins at 8
    (func (export "on-message") (param i32) (result i32)
      (i32.store8 (i32.const 20) (i32.const 2)) ;; rewrite, to binary
      (i32.store8 (i32.const 24) (i32.const 1))
      (i32.store (i32.const 28) (i32.const 65536)) (i32.store (i32.const 32) (i32.const 1073741824))
      (i32.const 16)))
  (core instance $i (instantiate $m))
  (func $f (param "msg" (own $message)) (result (result $verdict (error string)))
    (canon lift (core func $i "on-message") (memory (core memory $i "memory"))))
  (instance $out (export "message" (type $message)) (export "verdict" (type $verdict)) (export "on-message" (func $f)))
  (export "postern:filter/message-handler@0.1.0" (instance $out)))
