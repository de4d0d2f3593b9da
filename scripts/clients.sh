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

# need_go MODULE: a Go that can build the module of this folder, as it is found, else Debian's newest in a folder of its
# own; `go` is then a function.
need_go() {
    local wanted
    can_go_build "$1" && return 0
    wanted=$(awk '$1 == "go" { print $2 }' "$1/go.mod")
    [[ $(id -u) == 0 ]] ||
        die "no Go that builds $1. Install Go $wanted or newer from https://go.dev/dl, or run this as root: sudo ./check clients"
    need_root go sid golang-go
    go() { GOROOT=$(echo "$cache"/go/usr/lib/go-1.*) "$cache"/go/usr/lib/go-1.*/bin/go "$@"; }
    can_go_build "$1" || die "$(go version) cannot build $1. Install Go $wanted or newer from https://go.dev/dl"
}

# A distribution's Go may be too old to read a module at all, or to fetch a newer one by itself.
can_go_build() { (cd "$1" && go list -m) >/dev/null 2>&1; }

# need_client_node NAME FOLDER: the packages of a lock file, in NAME/node_modules, and the programs beside them.
need_client_node() {
    stale "$1" "$2"/* || return 0
    need_packages node=nodejs npm=npm
    cp "$2"/* "$cache/clients/$1/"
    (cd "$cache/clients/$1" && npm ci --silent --no-audit --no-fund) || die "npm could not install $2"
    built "$1" "$2"/*
}

# Every folder's own, side by side: some wait for the network while others compile.
need_clients() {
    local tests="$1" install program began failed=()
    local -A running=()
    mkdir -p "$cache/clients"
    for install in "$tests"/clients/*/install; do
        here=$(dirname "$install")
        (
            began=$SECONDS
            . "$install"
            say "    $(basename "$here") in $((SECONDS - began)) s"
        ) &
        running[$!]=$(basename "$here")
    done
    # What runs in the background does not hear Ctrl-C.
    trap 'trap - INT TERM; kill -TERM 0' INT
    for program in "${!running[@]}"; do
        wait "$program" || failed+=("${running[$program]}")
    done
    trap - INT
    ((${#failed[@]} == 0)) || die "clients that could not be brought in: ${failed[*]}. Why stands above; then: ./check clients"
}
