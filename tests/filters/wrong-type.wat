;; Exports a handler that does not have the type the package gives it.
(component
  (core module $m (func (export "on-message")))
  (core instance $i (instantiate $m))
  (func $f (canon lift (core func $i "on-message")))
  (instance $out (export "on-message" (func $f)))
  (export "postern:filter/message-handler@0.1.0" (instance $out)))
