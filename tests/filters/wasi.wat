;; Imports WASI, as guests built for wasm32-wasip2 do: not offered.
(component
  (import "wasi:cli/environment@0.2.6" (instance (export "initial-cwd" (func (result (option string))))))
  (core module $m (func (export "on-message")))
  (core instance $i (instantiate $m))
  (func $f (canon lift (core func $i "on-message")))
  (instance $out (export "on-message" (func $f)))
  (export "postern:filter/message-handler@0.1.0" (instance $out)))
