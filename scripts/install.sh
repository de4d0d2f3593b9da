# Sourced by `check` and `quickstart`: brings in what they need, each thing only when it is missing.
#
# Debian packages come from apt; everything else goes into one cache folder of ours and nowhere else.
# What cannot be had is an error with the command that mends it, never a silent skip.

cache="${XDG_CACHE_HOME:-$HOME/.cache}/wellhead-tests"

# need_packages probe=package...: a probe is a command, or a file if it starts with a slash.
need_packages() {
    local pair missing=()
    for pair in "$@"; do
        local probe="${pair%%=*}" package="${pair#*=}"
        if [[ $probe == /* ]]; then
            [[ -e $probe ]] || missing+=("$package")
        else
            command -v "$probe" >/dev/null || missing+=("$package")
        fi
    done
    ((${#missing[@]})) || return 0
    if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
        die "missing: ${missing[*]}. Run: sudo apt-get install --no-install-recommends ${missing[*]}"
    fi
    say "    installing ${missing[*]}"
    # Parts that are brought in side by side ask one after the other.
    flock "$cache/apt.lock" bash -c '
        apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@"
    ' apt-get "${missing[@]}" >"$cache/apt.log" 2>&1 || {
        tail -n 20 "$cache/apt.log" >&2
        die "apt-get could not install ${missing[*]}. See why: apt-get install --no-install-recommends ${missing[*]}"
    }
}

# What the bundled C libraries need; the linker comes with the Rust toolchain.
need_build_tools() {
    mkdir -p "$cache"
    need_packages cc=gcc /usr/include/stdio.h=libc6-dev python3=python3
    command -v cargo >/dev/null ||
        die "no cargo. Install Rust 1.90 or newer with rustup, then run this again"
}

# need_python REQUIREMENTS: a virtual environment with exactly the versions of that file.
need_python() {
    local requirements="$1" stamp
    stamp="$cache/python/$(sha256sum "$requirements" | cut -c1-16).installed"
    [[ -e $stamp ]] && return 0
    python3 -c 'import ensurepip, venv' 2>/dev/null || need_packages /nonexistent=python3-venv
    [[ -x $cache/python/bin/python ]] || python3 -m venv "$cache/python"
    "$cache/python/bin/pip" install --quiet --disable-pip-version-check -r "$requirements"
    touch "$stamp"
}

# The address of Debian's main archive, as this machine's own apt is set up; both formats of its files.
debian_mirror() {
    local release
    release=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-stable}")
    cat /etc/apt/sources.list.d/*.sources /dev/null 2>/dev/null | awk -v release="$release" '
        function flush() { if (uri != "" && main && suite && !found) { print uri; found = 1 }
                           uri = ""; main = 0; suite = 0 }
        /^[[:space:]]*$/ { flush() }
        tolower($1) == "uris:" { uri = $2 }
        tolower($1) == "components:" { for (i = 2; i <= NF; i++) if ($i == "main") main = 1 }
        tolower($1) == "suites:" { for (i = 2; i <= NF; i++)
            if ($i == release || $i ~ /^(stable|testing|unstable|sid)$/) suite = 1 }
        END { flush() }' | grep . && return 0
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | awk -v release="$release" '
        $1 == "deb" { sub(/\[[^]]*\] */, "")
            if (($3 == release || $3 ~ /^(stable|testing|unstable|sid)$/) && / main( |$)/ && !found) {
                print $2; found = 1 } }' | grep .
}

# need_root NAME SUITE PACKAGES: another Debian release's servers, in a root of their own below the cache with
# the libraries they want. Nothing of it is installed or started; the packages are only unpacked.
need_root() {
    local name="$1" suite="$2" packages="$3" root="$cache/$1" mirror deb
    [[ -e $root/.complete ]] && return 0
    need_packages debootstrap=debootstrap
    [[ $(id -u) == 0 ]] || die "$packages for the tests is unpacked by debootstrap, which needs root: sudo ./check"
    mirror=$(debian_mirror) || die "no Debian archive in /etc/apt: cannot tell where to get $packages from"
    rm -rf "$root"
    debootstrap --variant=minbase --no-check-gpg --foreign --include="$packages" \
        "$suite" "$root" "$mirror" >"$cache/debootstrap-$name.log" 2>&1 || {
        tail -n 20 "$cache/debootstrap-$name.log" >&2
        die "debootstrap could not fetch $packages"
    }
    for deb in "$root"/var/cache/apt/archives/*.deb; do
        dpkg-deb -x "$deb" "$root"
    done
    rm -rf "$root"/var/cache/apt/archives/*.deb
    touch "$root/.complete"
}

# MySQL is in Debian's unstable only, MariaDB 11 in a later release than the one that its packages are taken from.
need_mysql() { need_root mysql sid mysql-server-core,mysql-client-core,mysql-common; }
need_mariadb_11() { need_root mariadb-11 trixie mariadb-server; }

# MariaDB's authentication plugins are in the package that also starts a service; only its files are wanted.
need_mariadb_plugins() {
    [[ -e $cache/mariadb-plugins/.complete ]] && return 0
    rm -rf "$cache/mariadb-plugins"
    mkdir -p "$cache/mariadb-plugins"
    local found=/usr/lib/mysql/plugin
    if [[ ! -e $found/auth_ed25519.so ]]; then
        (cd "$cache/mariadb-plugins" && apt-get -qq download mariadb-server && dpkg-deb -x ./*.deb .) ||
            die "the package mariadb-server could not be fetched"
        found="$cache/mariadb-plugins/usr/lib/mysql/plugin"
    fi
    cp "$found"/*.so "$cache/mariadb-plugins/"
    touch "$cache/mariadb-plugins/.complete"
}

# need_jars NAME POM: the jars that a pom's dependencies come to, in $cache/jars/NAME.
need_jars() {
    local name="$1" pom="$2" stamp
    stamp="$cache/jars/$name/$(sha256sum "$pom" | cut -c1-16).complete"
    [[ -e $stamp ]] && return 0
    rm -rf "${cache:?}/jars/$name"
    mkdir -p "$cache/jars/$name"
    mvn -q -B -f "$pom" -DoutputDirectory="$cache/jars/$name" \
        org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies ||
        die "maven could not fetch the dependencies of $pom"
    touch "$stamp"
}

# Everything that the end-to-end tests talk to.
need_test_parts() {
    local tests="$1" pom name
    need_packages mariadbd=mariadb-server-core mariadb=mariadb-client-core kcat=kcat jq=jq \
        mkfs.ext4=e2fsprogs fsfreeze=util-linux \
        java=default-jdk-headless javac=default-jdk-headless mvn=maven
    need_python "$tests/requirements.txt"
    need_mysql
    need_mariadb_11
    need_mariadb_plugins
    for pom in "$tests"/java/*/pom.xml; do
        name=$(basename "$(dirname "$pom")")
        need_jars "$name" "$pom"
    done
}
