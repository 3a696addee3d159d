#!/bin/sh
# rpm-databases.sh [ROOT]: makes test/fixtures/rpm/sqlite, a database that rpm itself wrote, and what rpm says is in it. With ROOT
# it only installs the packages there.
# Needs rpm and rpmbuild (Debian: apt-get install rpm). Made with rpm 4.18.0.
set -eu
target=$(cd "$(dirname "$0")/../.." && pwd)/test/fixtures/rpm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# build NAME VERSION EPOCH SOURCE MODULE: one package with programs, a link, a configuration file and a ghost.
build() {
  cat > "$work/$1.spec" <<SPEC
Name: $4
Version: $2
Release: 3.tm1
$([ "$3" = 0 ] || echo "Epoch: $3")
Summary: Test package
License: Apache-2.0 AND MIT
BuildArch: noarch
$([ -z "$5" ] || echo "ModularityLabel: $5")
%description
Test.
$([ "$1" = "$4" ] || printf '%%package -n %s\nSummary: Test package\n%%description -n %s\nTest.\n' "$1" "$1")
%install
mkdir -p %{buildroot}/usr/bin %{buildroot}/etc/$1.d %{buildroot}/usr/lib/$1 %{buildroot}/var/log
echo "#!/bin/sh" > %{buildroot}/usr/bin/$1
chmod 755 %{buildroot}/usr/bin/$1
ln -s $1 %{buildroot}/usr/bin/$1-link
echo a=b > %{buildroot}/etc/$1.d/$1.conf
i=0; while [ \$i -lt 40 ]; do echo \$i > %{buildroot}/usr/lib/$1/part-\$i.so; i=\$((i+1)); done
touch %{buildroot}/var/log/$1.log
%files $([ "$1" = "$4" ] || echo "-n $1")
%attr(4755,root,root) /usr/bin/$1
/usr/bin/$1-link
%config(noreplace) /etc/$1.d/$1.conf
/usr/lib/$1
%ghost /var/log/$1.log
SPEC
  rpmbuild --quiet -bb --define "_topdir $work/build" "$work/$1.spec"
}

build alpha 1.2 0 alpha ''
build beta-libs 2.0~rc1 4 beta ''
build gamma 3.0^git1 0 gamma 'gamma:18:8090020240101:abcd1234'
rpms=$(find "$work/build/RPMS" -name '*.rpm' | sort)

root=${1:-$work/root}
mkdir -p "$root"
in_root() { rpm --root "$root" --define '_db_backend sqlite' --define '_dbpath /var/lib/rpm' "$@"; }
# shellcheck disable=SC2086 # a list
in_root --nodeps -i $rpms
[ $# = 0 ] || exit 0
mkdir -p "$target/sqlite"
gzip -9n < "$root/var/lib/rpm/rpmdb.sqlite" > "$target/sqlite/rpmdb.sqlite.gz"
in_root -qa --qf '%{NAME}\t%{EPOCHNUM}\t%{VERSION}-%{RELEASE}\t%{ARCH}\t%{SOURCERPM}\t%{LICENSE}\t%{MODULARITYLABEL}\n' |
  sort > "$target/sqlite/packages.tsv"
in_root -qa --qf '[%{FILENAMES}\t%{=NAME}\t%{FILEDIGESTS}\n]' | sort > "$target/sqlite/files.tsv"
ls -l "$target"/*
