//! What a virtual machine starts from: a kernel, an initial file system with its modules, and a disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::BenchError;
use crate::cache::cached;
use crate::debian::{SSHD_CONFIG, tree, unpack_kernel};
use crate::program::{find, make_folder, run, write};
use crate::sshkey::{KeyKind, make_key, public_key};

const INITRD_INIT: &str = include_str!("machine/initrd-init.sh");
const BENCH_INIT: &str = include_str!("machine/bench-init.sh");
/// A power of two, as SD cards want it; the file is sparse.
const DISK_SIZE: &str = "1024M";

/// What an image is made of.
#[derive(Debug)]
pub(crate) struct ImagePlan {
    /// The name in the cache and of the host.
    pub(crate) name: &'static str,
    /// Debian's word for the processor.
    pub(crate) architecture: &'static str,
    /// The metapackage of the kernel.
    pub(crate) kernel: &'static str,
    /// Modules to load at boot, with those that they need; what is built in is passed over.
    pub(crate) modules: &'static [&'static str],
    /// A device tree blob of the kernel's package.
    pub(crate) device_tree: Option<&'static str>,
    /// An ACPI table in its source form.
    pub(crate) acpi_source: Option<&'static str>,
}

/// The files of an image; never changed.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    folder: PathBuf,
}

impl Image {
    /// Takes it from the cache, or makes it (about 20 s with the downloads).
    pub(crate) fn get(plan: &ImagePlan) -> Result<Self, BenchError> {
        let recipe = format!("{plan:?}{INITRD_INIT}{BENCH_INIT}{DISK_SIZE}{SSHD_CONFIG}");
        let folder = cached(plan.name, &recipe, |folder| build(plan, folder))?;
        Ok(Self { folder })
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

fn build(plan: &ImagePlan, folder: &Path) -> Result<(), BenchError> {
    let debian = tree(plan.architecture)?;
    let kernel = folder.join("unpacked");
    unpack_kernel(plan.architecture, plan.kernel, &kernel)?;
    copy(&first_file(&kernel.join("boot"), "vmlinuz-")?, &folder.join("kernel"))?;
    if let Some(blob) = plan.device_tree {
        let found = run(Command::new("find").arg(&kernel).args(["-name", blob]))?.text();
        let first = found.lines().next().unwrap_or_default();
        copy(Path::new(first), &folder.join("device-tree.dtb"))?;
    }
    if let Some(source) = plan.acpi_source {
        write(&folder.join("table.dsl"), source)?;
        let mut iasl = Command::new(find("iasl", "acpica-tools")?);
        run(iasl.current_dir(folder).args(["-p", "table", "table.dsl"]))?;
    }
    build_initrd(plan, &debian, &kernel, folder)?;
    run(Command::new("rm").arg("-rf").arg(&kernel))?;
    build_disk(plan, &debian, folder)
}

fn build_initrd(plan: &ImagePlan, debian: &Path, kernel: &Path, folder: &Path) -> Result<(), BenchError> {
    let initrd = folder.join("initrd");
    make_folder(&initrd.join("bin"))?;
    make_folder(&initrd.join("modules"))?;
    copy(&debian.join("bin/busybox"), &initrd.join("bin/busybox"))?;
    write(&initrd.join("init"), INITRD_INIT)?;
    run(Command::new("chmod").arg("755").arg(initrd.join("init")))?;
    let all = modules_below(&kernel.join("lib/modules"))?;
    let mut order = Vec::new();
    for module in plan.modules {
        add_module(module, &all, &mut order)?;
    }
    for module in &order {
        copy(&all[module], &initrd.join("modules").join(format!("{module}.ko")))?;
    }
    write(&initrd.join("modules/order"), order.join("\n") + "\n")?;
    find("cpio", "cpio")?;
    let pack =
        "cd \"$1/initrd\" && find . | cpio --quiet -o -H newc | gzip -1 > ../initrd.gz && rm -r ../initrd";
    run(Command::new("sh").args(["-c", pack, "pack"]).arg(folder)).map(|_| ())
}

fn build_disk(plan: &ImagePlan, debian: &Path, folder: &Path) -> Result<(), BenchError> {
    let root = folder.join("disk");
    run(Command::new("cp").arg("-a").arg(debian).arg(&root))?;
    make_key(KeyKind::Ed25519, &folder.join("client_key"))?;
    make_key(KeyKind::Ed25519, &root.join("etc/ssh/host"))?;
    copy(&root.join("etc/ssh/host.pub"), &folder.join("host.pub"))?;
    write(&root.join("root/.ssh/authorized_keys"), public_key(&folder.join("client_key"))? + "\n")?;
    write(&root.join("etc/ssh/sshd_config"), SSHD_CONFIG)?;
    write(&root.join("etc/hostname"), format!("{}\n", plan.name))?;
    write(&root.join("sbin/bench-init"), BENCH_INIT)?;
    run(Command::new("chmod").arg("755").arg(root.join("sbin/bench-init")))?;
    let mut mke2fs = Command::new(find("mke2fs", "e2fsprogs")?);
    mke2fs.args(["-q", "-t", "ext4", "-d"]).arg(&root).arg(folder.join("disk.ext4")).arg(DISK_SIZE);
    run(&mut mke2fs)?;
    run(Command::new("rm").arg("-rf").arg(&root)).map(|_| ())
}

/// All modules of a kernel, by their name with underscores.
fn modules_below(folder: &Path) -> Result<BTreeMap<String, PathBuf>, BenchError> {
    let files = run(Command::new("find").arg(folder).args(["-name", "*.ko"]))?.text();
    let named = |line: &str| {
        let path = PathBuf::from(line);
        let name = path.file_stem()?.to_string_lossy().replace('-', "_");
        Some((name, path))
    };
    Ok(files.lines().filter_map(named).collect())
}

/// Puts a module after those that it needs; one that is not there is built into the kernel.
fn add_module(
    name: &str,
    all: &BTreeMap<String, PathBuf>,
    order: &mut Vec<String>,
) -> Result<(), BenchError> {
    let name = name.replace('-', "_");
    let Some(file) = all.get(&name) else { return Ok(()) };
    if order.contains(&name) {
        return Ok(());
    }
    let content = std::fs::read(file).map_err(BenchError::io("cannot read", file))?;
    for needed in needs(&content) {
        add_module(&needed, all, order)?;
    }
    order.push(name);
    Ok(())
}

/// What a module needs, by the `depends=` entry of its `.modinfo` section.
fn needs(module: &[u8]) -> Vec<String> {
    let entry = module.split(|byte| *byte == 0).find_map(|entry| entry.strip_prefix(b"depends="));
    let names = String::from_utf8_lossy(entry.unwrap_or_default()).into_owned();
    names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn first_file(folder: &Path, begin: &str) -> Result<PathBuf, BenchError> {
    let entries = std::fs::read_dir(folder).map_err(BenchError::io("cannot list", folder))?;
    let mut files = entries.flatten().map(|entry| entry.path());
    let is_it =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(begin));
    let missing =
        || BenchError::Answer { what: folder.display().to_string(), answer: format!("no {begin}*") };
    files.find(is_it).ok_or_else(missing)
}

fn copy(from: &Path, to: &Path) -> Result<(), BenchError> {
    std::fs::copy(from, to).map(|_| ()).map_err(BenchError::io("cannot copy", from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_come_after_what_they_need_and_only_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let module = |name: &str, needs: &str| {
            let file = folder.path().join(format!("{name}.ko"));
            std::fs::write(file, format!("ELF\0license=GPL\0depends={needs}\0name={name}\0"))
                .expect("a file");
        };
        module("ext4", "mbcache,jbd2");
        module("jbd2", "");
        module("mbcache", "jbd2");
        let all = modules_below(folder.path()).expect("they are listed");
        let mut order = Vec::new();
        for name in ["ext4", "built-in", "jbd2"] {
            add_module(name, &all, &mut order).expect("it can be read");
        }
        assert_eq!(order, ["jbd2", "mbcache", "ext4"]);
    }
}
