//! Debian trees and kernels of another architecture, unpacked without running anything of them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::BenchError;
use crate::cache::cached;
use crate::program::{find, need_root, run, run_within, write};

const MMDEBSTRAP: &str = "-t bookworm-backports mmdebstrap";
const ADBD_SOURCE: &str =
    "Package: adbd android-*\\nPin: release n=bookworm-backports\\nPin-Priority: 900\\n";
const PACKAGES: &str = "openssh-server,adbd,busybox-static,mksh,base-passwd,bash,coreutils,dash,findutils,grep,gzip,\
                        iproute2,procps,sed,tar,util-linux";
/// What maintainer scripts would do, had they run.
const FINISH: &str = r#"
set -e
cd "$1"
rm -rf usr/share/doc usr/share/man usr/share/locale usr/share/perl usr/share/info var/cache/apt var/lib/apt
[ -e bin/sh ] || ln -s dash bin/sh
cp usr/share/base-passwd/passwd.master etc/passwd
cp usr/share/base-passwd/group.master etc/group
sed -i 's,^root:[^:]*:\(.*\):[^:]*$,root:x:\1:/bin/bash,' etc/passwd
echo 'sshd:x:100:65534::/run/sshd:/usr/sbin/nologin' >> etc/passwd
printf 'root:*:19000:0:99999:7:::\n' > etc/shadow
mkdir -p root/.ssh run/sshd etc/ssh
chmod 700 root root/.ssh
"#;
const LIMIT: Duration = Duration::from_mins(10);

/// The settings of a device's sshd.
pub(crate) const SSHD_CONFIG: &str = "HostKey /etc/ssh/host\nUsePAM no\nStrictModes no\nPidFile none\n\
    PermitRootLogin yes\nPasswordAuthentication no\nMaxStartups 100\nSubsystem sftp internal-sftp\n";

/// An unpacked Debian 12 of this architecture (`arm64`, `amd64`) with sshd and adbd; never changed.
pub(crate) fn tree(architecture: &str) -> Result<PathBuf, BenchError> {
    let recipe = format!("{PACKAGES}{ADBD_SOURCE}{FINISH}");
    let folder = cached(architecture, &recipe, |folder| {
        let pin = format!(
            "--setup-hook=mkdir -p \"$1/etc/apt/preferences.d\"; printf '{ADBD_SOURCE}' > \
             \"$1/etc/apt/preferences.d/adbd\""
        );
        let root = folder.join("root");
        unpack(architecture, &root, &[&format!("--include={PACKAGES}"), &pin])?;
        run(Command::new("sh").args(["-c", FINISH, "finish"]).arg(&root)).map(|_| ())
    })?;
    Ok(folder.join("root"))
}

/// Unpacks a kernel's metapackage (such as `linux-image-cloud-arm64`) with all that it needs.
pub(crate) fn unpack_kernel(architecture: &str, metapackage: &str, root: &Path) -> Result<(), BenchError> {
    unpack(architecture, root, &[&format!("--include={metapackage}")])
}

fn unpack(architecture: &str, root: &Path, options: &[&str]) -> Result<(), BenchError> {
    need_root("unpacking a Debian tree")?;
    let sources = root.with_extension("sources");
    write(&sources, debian_sources()?)?;
    let mut mmdebstrap = Command::new(find("mmdebstrap", MMDEBSTRAP)?);
    mmdebstrap.args(["--quiet", "--mode=root", "--variant=extract"]);
    mmdebstrap.arg(format!("--architectures={architecture}")).args(options).arg("bookworm");
    let output = run_within(mmdebstrap.args([root, &sources]), LIMIT)?;
    if output.status.success() {
        return Ok(());
    }
    let command = format!("mmdebstrap for {architecture}");
    Err(BenchError::Failed { command, status: output.status.to_string(), stderr: output.errors() })
}

/// This machine's own Debian mirror, with the suites that are needed.
fn debian_sources() -> Result<String, BenchError> {
    let file = Path::new("/etc/apt/sources.list.d/debian.sources");
    if let Ok(text) = std::fs::read_to_string(file) {
        let stanza = text.split("\n\n").next().unwrap_or_default();
        let lines = stanza.lines().filter(|line| !line.starts_with('#') && !line.starts_with("Suites:"));
        let kept: Vec<&str> = lines.collect();
        return Ok(format!("{}\nSuites: bookworm bookworm-backports\n", kept.join("\n").trim()));
    }
    let file = Path::new("/etc/apt/sources.list");
    let text = std::fs::read_to_string(file).map_err(BenchError::io("cannot read apt's sources", file))?;
    let line = text.lines().find(|line| line.starts_with("deb ") && line.contains(" bookworm "));
    let line =
        line.ok_or_else(|| BenchError::Answer { what: "apt's sources".to_owned(), answer: text.clone() })?;
    Ok(format!("{line}\n{}\n", line.replace(" bookworm ", " bookworm-backports ")))
}
