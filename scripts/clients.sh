# Sourced by `check` after `scripts/install.sh`: how the folders below tests/clients bring in their programs.
# Everything is built into $cache/clients/NAME, once for each content of the files that it is built from.

# stale NAME FILE...: whether $cache/clients/NAME has to be built from these files; empties it then.
stale() {
    local name="$1" folder="$cache/clients/$1"
    shift
    [[ -e $folder/$(stamp_of "$@") ]] && return 1
    rm -rf "$folder"
    mkdir -p "$folder"
}

# built NAME FILE...: says that it was.
built() {
    local name="$1"
    shift
    touch "$cache/clients/$name/$(stamp_of "$@")"
}

stamp_of() { printf '%s.complete' "$(cat "$@" | sha256sum | cut -c1-16)"; }

# need_client_python NAME REQUIREMENTS: a virtual environment of its own, its interpreter is NAME/bin/python.
need_client_python() {
    stale "$1" "$2" || return 0
    python3 -m venv "$cache/clients/$1"
    "$cache/clients/$1/bin/pip" install --quiet --disable-pip-version-check -r "$2" ||
        die "pip could not install $2"
    built "$1" "$2"
}

# need_client_jars NAME POM: the jars that a pom's dependencies come to.
need_client_jars() {
    stale "$1" "$2" || return 0
    mvn -q -B -f "$2" -DoutputDirectory="$cache/clients/$1" \
        org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies ||
        die "maven could not fetch the dependencies of $2"
    built "$1" "$2"
}

# Go as it is found, else Debian's newest in a folder of its own; `go` is then a function.
need_go() {
    command -v go >/dev/null && return 0
    need_root go sid golang-go
    go() { GOROOT=$(echo "$cache"/go/usr/lib/go-1.*) "$cache"/go/usr/lib/go-1.*/bin/go "$@"; }
}

# need_client_go NAME FOLDER: a Go module with its go.sum, built to the program NAME/tour.
need_client_go() {
    stale "$1" "$2"/* || return 0
    need_go
    (cd "$2" && CGO_ENABLED=0 go build -trimpath -o "$cache/clients/$1/tour" .) || die "go could not build $2"
    built "$1" "$2"/*
}

# need_client_node NAME FOLDER: the packages of a lock file, in NAME/node_modules, and the programs beside them.
need_client_node() {
    stale "$1" "$2"/* || return 0
    need_packages node=nodejs npm=npm
    cp "$2"/* "$cache/clients/$1/"
    (cd "$cache/clients/$1" && npm ci --silent --no-audit --no-fund) || die "npm could not install $2"
    built "$1" "$2"/*
}

# need_client_rust NAME FOLDER: a crate with its lock file, built to NAME/tour.
need_client_rust() {
    stale "$1" "$2"/Cargo.* "$2"/src/* || return 0
    cargo build --quiet --locked --manifest-path "$2/Cargo.toml" --target-dir "$cache/clients/$1/target" ||
        die "cargo could not build $2"
    cp "$cache/clients/$1/target/debug/tour" "$cache/clients/$1/tour"
    rm -rf "$cache/clients/$1/target"
    built "$1" "$2"/Cargo.* "$2"/src/*
}

# Every folder's own.
need_clients() {
    local tests="$1" install
    mkdir -p "$cache/clients"
    for install in "$tests"/clients/*/install; do
        here=$(dirname "$install")
        say "    $(basename "$here")"
        . "$install"
    done
}
