# Sourced by `check`, `quickstart` and `scripts/install.sh`: says what is done and how long it took.
# It starts nothing by itself.

say() { printf '%s\n' "$*" >&2; }

die() {
    printf 'error: %s\n' "$*" >&2
    exit 3
}

# step "what happens" command [args...]: runs the command, keeps its output visible, adds the time.
step() {
    local what="$1" from="$EPOCHREALTIME" status=0
    shift
    say "==> $what"
    "$@" || status=$?
    local ms=$(((${EPOCHREALTIME/./} - ${from/./}) / 1000))
    local took
    took=$(printf '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100)))
    if ((status != 0)); then
        say "==> FAILED after $took (exit $status): $what"
        exit "$status"
    fi
    say "    done in $took"
}
