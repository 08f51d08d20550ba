#!/bin/bash
# Fetches one of Debian's kernels, with its modules, for boot.sh: 6.1 or 6.12, the newest of them that the archive has, in the
# release or its backports. Nothing is installed. Needs Debian with root, for apt.
#
#   fetch.sh VERSION FOLDER
#
# Exit code 0: FOLDER holds boot/ and lib/modules/. Nothing is done when it does already.
set -euo pipefail

version=$1
folder=$2
if compgen -G "$folder/boot/vmlinuz-$version*" >/dev/null; then exit 0; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir -p "$work"/lists/partial "$work"/cache/archives/partial "$folder"

# The archive that this machine uses, and its backports beside the release.
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $release" | head -1)
signed=/usr/share/keyrings/debian-archive-keyring.gpg
for suite in "$release" "$release-backports"; do
  echo "deb [signed-by=$signed] $archive $suite main"
done >"$work/sources.list"
own=(-o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
  -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root)
apt-get "${own[@]}" update -qq

package=$(apt-cache "${own[@]}" search --names-only "^linux-image-${version//./\\.}\.[0-9].*-amd64$" |
  cut -d' ' -f1 | grep -v -e cloud -e rt- | sort -V | tail -1)
if [ -z "$package" ]; then
  echo "no kernel $version in the archive" >&2
  exit 1
fi
(cd "$work" && apt-get "${own[@]}" download -qq "$package")
dpkg-deb -x "$work/$package"_*.deb "$folder"
depmod -b "$folder" "$(basename "$folder"/lib/modules/*)"
echo "$package"
