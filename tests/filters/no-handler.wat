;; A component that exports nothing postern would call.
(component)
