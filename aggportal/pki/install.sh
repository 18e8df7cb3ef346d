#!/bin/sh
# Puts the certificate files that lie beside this script into their directory.
#
#   sudo ./install.sh                  into /etc/kubernetes/ssl
#   sudo ./install.sh /etc/other/dir   into another directory (or: DEST=/etc/other/dir)
#   sudo OWNER=kube:kube ./install.sh  and give the files to a user and group
#
# It checks SHA256SUMS first and changes nothing when a file is damaged. Keys get mode 0600, all else 0644. Files that
# differ are kept beside the new ones under a dated name. Running it twice does nothing the second time.
set -eu
umask 022

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
dest=${1:-${DEST:-/etc/kubernetes/ssl}}
owner=${OWNER:-}
stamp=$(date -u +%Y%m%dT%H%M%SZ)
fresh=
trap '[ -z "$fresh" ] || rm -f -- "$fresh"' EXIT

fail() {
    printf 'install.sh: %s\n' "$1" >&2
    exit 1
}

check_sums() {
    if command -v sha256sum >/dev/null 2>&1; then
        sha256sum -c SHA256SUMS >/dev/null
    else
        shasum -a 256 -c SHA256SUMS >/dev/null
    fi
}

keep_old() {
    kept=$1.$stamp.old
    while [ -e "$kept" ]; do kept=$kept.old; done
    cp -p -- "$1" "$kept"
    printf 'kept old    %s\n' "$kept"
}

put() {
    name=$1 mode=$2 target=$dest/$1
    [ ! -d "$target" ] || fail "$target is a directory; nothing was put there."
    if [ -f "$target" ] && cmp -s -- "$here/$name" "$target"; then
        chmod "$mode" "$target"
        [ -z "$owner" ] || chown -- "$owner" "$target"
        printf 'unchanged   %s\n' "$target"
        return
    fi
    [ ! -f "$target" ] || keep_old "$target"
    fresh=$dest/.$name.new
    rm -f -- "$fresh"
    install -m "$mode" -- "$here/$name" "$fresh"
    [ -z "$owner" ] || chown -- "$owner" "$fresh"
    mv -f -- "$fresh" "$target"
    fresh=
    printf 'installed   %s (%s)\n' "$target" "$mode"
}

case $dest in
    /*) ;;
    *) dest=$(pwd)/$dest ;;
esac
cd -- "$here"
[ -f SHA256SUMS ] || fail "SHA256SUMS is missing; unpack the whole archive again."
check_sums || fail "a file is damaged or missing; nothing was changed. Download the archive again."
[ -d "$dest" ] || install -d -m 0755 -- "$dest"

while read -r _ name; do
    case $name in
        install.sh) ;;
        *[!A-Za-z0-9._-]* | .* | -* | '') fail "SHA256SUMS names an odd file: $name" ;;
        *-key.pem) put "$name" 0600 ;;
        *) put "$name" 0644 ;;
    esac
done <SHA256SUMS
printf 'The files are in %s. Programs that read them only at start need a restart.\n' "$dest"
