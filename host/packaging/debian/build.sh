#!/bin/sh
# Makes target/debian/postern_VERSION_ARCHITECTURE.deb. It wants cargo-deb: cargo install cargo-deb
set -eu
cd "$(dirname "$0")/../../.."
cargo build --release --locked --package postern --bin postern
# What the binary says of itself.
rm -rf target/deb
mkdir -p target/deb/completions
target/release/postern man target/deb/man
target/release/postern completions bash >target/deb/completions/postern
target/release/postern completions fish >target/deb/completions/postern.fish
target/release/postern completions zsh >target/deb/completions/_postern
cargo deb --no-build --package postern
