;; Starts by asking the time for ever: time spent in postern's own functions counts too. (It never gets as far as to
;; need a real handler.)
(component
  (import "postern:filter/clock@0.1.0" (instance $clock (export "now" (func (result u64)))))
  (core func $now (canon lower (func $clock "now")))
  (core module $m
    (import "host" "now" (func $now (result i64)))
    (func $start (loop $again (drop (call $now)) (br $again)))
    (func (export "on-message"))
    (start $start))
  (core instance $i (instantiate $m (with "host" (instance (export "now" (func $now))))))
  (func $f (canon lift (core func $i "on-message")))
  (instance $out (export "on-message" (func $f)))
  (export "postern:filter/message-handler@0.1.0" (instance $out)))
