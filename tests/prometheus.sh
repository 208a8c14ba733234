#!/bin/sh
# Prints the path of a Prometheus server, 3.0 or newer, for the end-to-end tests.
#
# In: PROMETHEUS_BIN (taken if set), PATH, TARGET_DIR or CARGO_TARGET_DIR (where
# a download is kept). Looked for in that order; last comes the distribution's
# own package, newest suite first, because a stable suite may still carry 2.x.
# The mirror and its keyring are those the machine's apt is configured with;
# everything apt writes goes to a private folder, nothing is installed.
# Out: one line on stdout; progress and reasons on stderr. Without a server:
# nothing on stdout, and status 1 if CI is true (elsewhere tests are skipped).
set -eu

folder=$(cd "$(dirname "$0")/.." && pwd)
cache=${TARGET_DIR:-${CARGO_TARGET_DIR:-$folder/target}}
case $cache in /*) ;; *) cache=$folder/$cache ;; esac
cache=$cache/prometheus

say() { echo "prometheus.sh: $*" >&2; }

# True for a program that runs here and calls itself Prometheus 3 or newer.
usable() {
    [ -x "$1" ] || return 1
    version=$("$1" --version 2>/dev/null | sed -n 's/^prometheus, version \([0-9]*\)\..*/\1/p')
    [ -n "$version" ] && [ "$version" -ge 3 ]
}

# Prints "keyring uri" for every archive of this release in apt's configuration,
# in both of its notations; the keyring is "-" if none is named.
archives() {
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -r "$file" ] || continue
        # deb [signed-by=KEYRING arch=...] URI SUITE COMPONENT...
        awk -v release="$1" '$1 == "deb" {
            key = "-"
            if (match($0, /\[[^]]*\]/)) {
                options = substr($0, RSTART + 1, RLENGTH - 2)
                $0 = substr($0, 1, RSTART - 1) substr($0, RSTART + RLENGTH)
                if (match(options, /signed-by=[^ ]*/))
                    key = substr(options, RSTART + 10, RLENGTH - 10)
            }
            if ($3 == release && $4 == "main") print key, $2
        }' "$file"
    done
    for file in /etc/apt/sources.list.d/*.sources; do
        [ -r "$file" ] || continue
        # Comments go first: they may stand inside a stanza.
        grep -v '^#' "$file" | awk -v release="$1" -v RS= -F '\n' '{
            key = "-"; uri = suites = components = ""
            for (line = 1; line <= NF; line++) {
                name = tolower($line); sub(/:.*/, "", name)
                value = $line; sub(/^[^:]*:[ \t]*/, "", value)
                if (name == "signed-by") key = value
                if (name == "uris") { split(value, uris, " "); uri = uris[1] }
                if (name == "suites") suites = " " value " "
                if (name == "components") components = " " value " "
            }
            if (key == "") key = "-" # a key written out in the file is not supported
            if (index(suites, " " release " ") && index(components, " main ")) print key, uri
        }'
    done
}

# Runs an apt program on the private folder alone; `$root` is that folder.
private() {
    program=$1
    shift
    "$program" -q -c "$root/apt.conf" \
        -o Dir::Etc::sourcelist="$root/sources.list" -o Dir::Etc::sourceparts="$root/none" \
        -o Dir::Etc::preferences="$root/none/none" -o Dir::Etc::preferencesparts="$root/none" \
        -o Dir::State="$root" -o Dir::State::status="$root/status" -o Dir::Cache="$root/cache" \
        -o APT::Sandbox::User=root -o Acquire::Languages=none \
        -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
        "$@" >&2
}

# Downloads the package of archive $1 (URI), suite $2, components $3, keyring $4
# and puts its server into the cache.
download() {
    root=$cache/apt
    rm -rf "$root"
    mkdir -p "$root/lists/partial" "$root/cache/archives/partial" "$root/none"
    : >"$root/status"
    # The machine's hooks concern the machine's own lists, not these.
    printf '%s\n' '#clear APT::Update::Pre-Invoke;' '#clear APT::Update::Post-Invoke;' \
        '#clear APT::Update::Post-Invoke-Success;' '#clear DPkg::Post-Invoke;' >"$root/apt.conf"
    options=
    [ "$4" = - ] || options="[signed-by=$4] "
    echo "deb $options$1 $2 $3" >"$root/sources.list"
    private apt-get -o APT::Update::Error-Mode=any update || return 1
    (cd "$root" && private apt-get download prometheus) || return 1
    mkdir -p "$root/package"
    dpkg-deb --fsys-tarfile "$root"/prometheus_*.deb |
        tar -x -C "$root/package" ./usr/bin/prometheus || return 1
    # A newer suite may need a newer libc than this machine has.
    usable "$root/package/usr/bin/prometheus" || return 1
    mv "$root/package/usr/bin/prometheus" "$cache/prometheus"
    rm -rf "$root"
}

# Ends without a server.
missing() {
    say "no Prometheus 3.0 or newer: $1"
    [ "${CI:-}" != true ] || exit 1
    say "=== TESTS AGAINST REAL SERVERS WILL BE SKIPPED; set PROMETHEUS_BIN to run them ==="
    exit 0
}

found() {
    say "$("$1" --version 2>/dev/null | sed -n 1p)"
    echo "$1"
    exit 0
}

if [ -n "${PROMETHEUS_BIN:-}" ]; then
    usable "$PROMETHEUS_BIN" && found "$PROMETHEUS_BIN"
    say "PROMETHEUS_BIN=$PROMETHEUS_BIN is not a Prometheus 3.0 or newer that runs here"
    exit 1
fi
on_path=$(command -v prometheus || true)
usable "$on_path" && found "$on_path"
usable "$cache/prometheus" && found "$cache/prometheus"

if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
    missing "none on PATH, and no apt to fetch one"
fi
ID= VERSION_CODENAME=
# shellcheck disable=SC1091
. /etc/os-release
case $ID in
    ubuntu) suites="devel" components="main universe" ;;
    *) suites="sid testing stable" components="main" ;;
esac
mkdir -p "$cache"
list=$cache/archives
archives "$VERSION_CODENAME" | sort -u >"$list"
for suite in $suites; do
    while read -r keyring uri; do
        say "trying suite $suite"
        if download "$uri" "$suite" "$components" "$keyring" </dev/null; then
            found "$cache/prometheus"
        fi
        say "suite $suite has no Prometheus 3.0 or newer that runs here"
    done <"$list"
done
missing "none in the suites tried"
