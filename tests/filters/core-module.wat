;; A core module, not a component: what a compiler gives before it is made a component.
(module
  (memory (export "memory") 1)
  (func (export "on-message") (param i32) (result i32) (i32.const 16)))
