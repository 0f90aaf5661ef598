module filters/my-filter

go 1.24

require postern v0.1.0

replace postern => ./postern
