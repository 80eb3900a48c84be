# Short names for what README.md and .ci/run say in full. `just` alone lists them.

default:
    @just --list

# What the compiler and the linter have to say.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# Every test that needs nothing but Rust.
test:
    cargo test

# The system tests against an independent engine (pip install ministack), or your own with WIRE_ENGINE=env.
wire engine="ministack":
    WIRE_ENGINE={{engine}} cargo test --test system -- --test-threads=4

# The whole main job on this machine.
demo *args:
    cargo run -p local -- {{args}}

# What it costs and how fast it is, against its goals and against plain loops (docs/performance.md).
bench *args:
    cargo bench -p system-tests -- {{args}}

# The gate.
ci:
    .ci/run

# More seeds and cases than the gate has time for, and the whole benchmark.
nightly:
    .ci/nightly
