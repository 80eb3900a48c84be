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

# The whole worker on virtual time, from so many seeds.
histories count="10000" *args:
    cargo run --release -p simulator -- run {{count}} {{args}}

# What one message of a history went through.
replay seed *args:
    cargo run -p simulator -- replay {{seed}} {{args}}

# Load, faults and restarts for as long as you like.
soak *args:
    cargo run -p system-tests --bin soak -- {{args}}

# Takes the guards out one at a time and sees a test fail for each.
guards *words:
    tests/guards/run {{words}}

# What it costs and how fast it is, against its goals and against plain loops (docs/performance.md).
bench *args:
    cargo bench -p system-tests -- {{args}}

# People sign up, a worker works, and its status page shows it.
watch *args:
    cargo run -p local -- serve --worker {{args}}

# Dashboards and alerts: generated, checked, each alert fired and not fired (Node, Prometheus, Alertmanager).
dashboards:
    cd dashboards && npm ci && npm run check && npm test

# Every query of every panel and every rule, by a real Prometheus over real workers.
live:
    cargo build -p worker -p local
    cd dashboards && npm ci && npm run live

# The status page in a browser (Node, Chromium).
page:
    cargo build -p worker -p local
    cd tests/page && npm ci && npm test

# The gate.
ci:
    .ci/run

# What takes longer than the gate may.
nightly:
    .ci/nightly

# The constructs: types, tests, contracts with the Rust sources and binaries, templates (Node).
infra:
    cargo build -p worker -p local -p producer-lambda
    cd infra && npm ci --ignore-scripts && npm run check && npm test

# A real Amplify backend with the constructs, and its resolvers over the worker's rows (Node).
amplify:
    cargo build -p worker -p local
    cd infra && npm ci --ignore-scripts
    cd infra/tests/amplify-gen2 && npm ci --ignore-scripts && npm test
    cd infra/tests/read-back && npm ci --ignore-scripts && npm test
