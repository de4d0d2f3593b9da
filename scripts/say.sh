# Sourced by `check`, `quickstart` and `scripts/install.sh`: says what is done and how long it took.
# Whoever sources it runs under `set -euo pipefail` and calls `say_if_failed` when it exits.

current_step='' step_began=''

say() { printf '%s\n' "$*" >&2; }

die() {
    printf 'error: %s\n' "$*" >&2
    exit 3
}

# step "what happens" command [args...]: runs the command, keeps its output visible, adds the time.
# The command is not tested here, because a tested command would run without `set -e`.
step() {
    current_step="$1" step_began="$EPOCHREALTIME"
    say "==> $1"
    shift
    "$@"
    say "    done in $(step_took)"
    current_step=''
}

step_took() {
    local ms=$(((${EPOCHREALTIME/./} - ${step_began/./}) / 1000))
    printf '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100))
}

say_if_failed() {
    [[ -z $current_step ]] || say "==> FAILED after $(step_took): $current_step"
}
