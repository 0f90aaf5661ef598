;; Allows everyone with a greeting of 8,000,000 bytes, more than the kernel takes ahead of a client that does not read:
;; zeros between a first and a last byte that tell whether it came whole.
(component
  (import "postern:filter/types@0.1.0" (instance $types
    (export "request" (type $request (sub resource)))
    (type $label' (record (field "key" string) (field "value" string)))
    (export "label" (type $label (eq $label')))
    (type $format' (enum "text" "binary"))
    (export "format" (type $format (eq $format')))
    (type $payload' (record (field "format" $format) (field "data" (list u8))))
    (export "payload" (type $payload (eq $payload')))
    (type $grant' (record (field "subject" (option string)) (field "labels" (list $label))
      (field "subprotocol" (option string)) (field "greeting" (option $payload))))
    (export "grant" (type $grant (eq $grant')))
    (type $denial' (record (field "status" u16) (field "body" string) (field "reason" (option string))))
    (export "denial" (type $denial (eq $denial')))
    (type $admission' (variant (case "allow" $grant) (case "deny" $denial)))
    (export "admission" (type $admission (eq $admission')))))
  (alias export $types "request" (type $request))
  (alias export $types "admission" (type $admission))
  (core module $m
    (memory (export "memory") 124)
    (data (i32.const 1024) "<")
    (data (i32.const 8001023) ">")
    ;; takes a request handle, gives a pointer to result<admission, string>: the result's case is the byte at 0, the
    ;; admission's the byte at 4, and what it carries begins at 8
    (func (export "on-connect") (param i32) (result i32)
      (i32.store8 (i32.const 56) (i32.const 1)) ;; a greeting
      (i32.store8 (i32.const 60) (i32.const 1)) ;; in binary
      (i32.store (i32.const 64) (i32.const 1024)) (i32.store (i32.const 68) (i32.const 8000000))
      (i32.const 16)))
  (core instance $i (instantiate $m))
  (func $f (param "req" (own $request)) (result (result $admission (error string)))
    (canon lift (core func $i "on-connect") (memory (core memory $i "memory"))))
  (instance $out (export "request" (type $request)) (export "admission" (type $admission)) (export "on-connect" (func $f)))
  (export "postern:filter/admission-handler@0.1.0" (instance $out)))
