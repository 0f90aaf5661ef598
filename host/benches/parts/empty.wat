;; A component that does nothing when it is called: what any filter costs at the least.
(component
  (core module $nothing
    (memory 1)
    (func (export "run")))
  (core instance $instance (instantiate $nothing))
  (func (export "run") (canon lift (core func $instance "run"))))
