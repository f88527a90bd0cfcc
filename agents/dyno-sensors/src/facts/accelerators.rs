//! GPUs, NPUs and signal processors, by the files that their drivers make.

use dyno_model::device::{Accelerator, AcceleratorKind};

use crate::facts::{clean, exists};
use crate::root::SysRoot;

use AcceleratorKind::{Dsp, Gpu, Npu};

/// More accelerators than this are not listed (house rule).
const MAX_LISTED: usize = 32;

/// Kernel drivers of render nodes and accelerator nodes, and what they drive.
const DRIVERS: &[(&str, &str)] = &[
    ("amdgpu", "AMD GPU"),
    ("amdxdna", "AMD XDNA"),
    ("etnaviv", "Vivante GPU"),
    ("ethosu", "Arm Ethos-U"),
    ("habanalabs", "Intel Gaudi"),
    ("i915", "Intel GPU"),
    ("intel_vpu", "Intel NPU"),
    ("lima", "Arm Mali"),
    ("msm", "Qualcomm Adreno"),
    ("msm_dpu", "Qualcomm Adreno"),
    ("nouveau", "NVIDIA GPU"),
    ("nvidia", "NVIDIA GPU"),
    ("panfrost", "Arm Mali"),
    ("panthor", "Arm Mali"),
    ("qaic", "Qualcomm Cloud AI"),
    ("radeon", "AMD GPU"),
    ("rocket", "Rockchip NPU"),
    ("tegra-drm", "NVIDIA Tegra"),
    ("v3d", "Broadcom VideoCore"),
    ("virtio-pci", "virtual GPU"),
    ("xe", "Intel GPU"),
];

/// Device files that say by their name alone what is there.
const NODES: &[(&str, AcceleratorKind, &str)] = &[
    ("dev/mali0", Gpu, "Arm Mali"),
    ("dev/nvhost-gpu", Gpu, "NVIDIA Tegra GPU"),
    ("dev/nvgpu", Gpu, "NVIDIA Tegra GPU"),
    ("dev/nvhost-nvdla0", Npu, "NVIDIA NVDLA"),
    ("dev/nvhost-ctrl-nvdla0", Npu, "NVIDIA NVDLA"),
    ("dev/apusys", Npu, "MediaTek APU"),
    ("dev/apex_0", Npu, "Google Coral Edge TPU"),
    ("dev/abrolhos", Npu, "Google Tensor TPU"),
    ("dev/janeiro", Npu, "Google Tensor TPU"),
    ("dev/rio", Npu, "Google Tensor TPU"),
    ("dev/edgetpu-soc", Npu, "Google Tensor TPU"),
    ("dev/hailo0", Npu, "Hailo"),
    ("dev/rknpu", Npu, "Rockchip NPU"),
    ("sys/module/rknpu", Npu, "Rockchip NPU"),
    ("dev/vertex10", Npu, "Samsung NPU"),
    ("dev/adsprpc-smd", Dsp, "Qualcomm Hexagon"),
    ("dev/fastrpc-cdsp", Dsp, "Qualcomm Hexagon"),
    ("dev/adsprpc-smd-secure", Dsp, "Qualcomm Hexagon"),
];

/// All that is seen, GPUs first, each once.
pub(crate) fn accelerators(root: &SysRoot) -> Vec<Accelerator> {
    let mut found = nvidia(root);
    found.extend(adreno(root));
    found.extend(by_driver(root, "sys/class/drm", "renderD", "dev/dri", Gpu));
    found.extend(by_driver(root, "sys/class/accel", "accel", "dev/accel", Npu));
    let nodes = NODES.iter().filter(|node| exists(root, node.0));
    found.extend(nodes.map(|(path, kind, name)| accelerator(*kind, &named(root, path, name), path)));
    let mut once: Vec<Accelerator> = Vec::new();
    for one in found {
        // Two device files of one processor, and a model's name beside the maker's, are one.
        let same = |other: &Accelerator| {
            other.kind == one.kind
                && (other.name.starts_with(&one.name) || is_nvidia(other) && is_nvidia(&one))
        };
        if !once.iter().any(|other| same(other) && family(&other.node) != family(&one.node))
            && !once.contains(&one)
        {
            once.push(one);
        }
    }
    once.sort_by_key(|one| one.kind as u8);
    once.truncate(MAX_LISTED);
    once
}

fn accelerator(kind: AcceleratorKind, name: &str, node: &str) -> Accelerator {
    Accelerator { kind, name: clean(name).unwrap_or_default(), node: format!("/{node}") }
}

fn is_nvidia(one: &Accelerator) -> bool {
    one.name.starts_with("NVIDIA")
}

/// Files of one driver are numbered: two of them are two processors, files of two drivers may be one.
fn family(node: &str) -> &str {
    node.trim_end_matches(|c: char| c.is_ascii_digit())
}

/// Nodes of the kernel's own classes, by the driver that made them.
fn by_driver(
    root: &SysRoot,
    class: &str,
    begin: &str,
    nodes: &str,
    kind: AcceleratorKind,
) -> Vec<Accelerator> {
    // Best effort: without the class there are none.
    let names = root.names(class).unwrap_or_default();
    let of = |name: &String| {
        let uevent = root.read(&format!("{class}/{name}/device/uevent")).unwrap_or_default();
        let driver = uevent.lines().find_map(|line| line.strip_prefix("DRIVER=")).and_then(clean);
        let known = DRIVERS.iter().find(|known| Some(known.0) == driver.as_deref());
        let name_of =
            known.map(|known| known.1.to_owned()).or(driver).unwrap_or_else(|| "unnamed".to_owned());
        accelerator(kind, &name_of, &format!("{nodes}/{}", clean(name).unwrap_or_default()))
    };
    names.iter().filter(|name| name.starts_with(begin)).take(MAX_LISTED).map(of).collect()
}

/// NVIDIA's own driver, which names each GPU.
fn nvidia(root: &SysRoot) -> Vec<Accelerator> {
    const FOLDER: &str = "proc/driver/nvidia/gpus";
    // Best effort: without the driver there are none.
    let gpus = root.names(FOLDER).unwrap_or_default();
    let model = |gpu: &String| {
        let text = root.read(&format!("{FOLDER}/{gpu}/information")).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("Model:")).and_then(clean);
        line.unwrap_or_else(|| "NVIDIA GPU".to_owned())
    };
    let numbered = gpus.iter().take(MAX_LISTED).enumerate();
    numbered.map(|(n, gpu)| accelerator(Gpu, &model(gpu), &format!("dev/nvidia{n}"))).collect()
}

/// Qualcomm's own driver.
fn adreno(root: &SysRoot) -> Option<Accelerator> {
    const NODE: &str = "sys/class/kgsl/kgsl-3d0";
    let model = root.text(&format!("{NODE}/gpu_model"));
    let seen = model.is_some() || exists(root, NODE) || exists(root, "dev/kgsl-3d0");
    let name = model.map_or_else(|| "Qualcomm Adreno".to_owned(), |model| format!("Qualcomm {model}"));
    seen.then(|| accelerator(Gpu, &name, "dev/kgsl-3d0"))
}

/// The model of a Mali, where its driver says it; else the name of the table.
fn named(root: &SysRoot, path: &str, name: &str) -> String {
    let model = (path == "dev/mali0").then(|| root.text("sys/class/misc/mali0/device/gpuinfo")).flatten();
    model.map_or_else(|| name.to_owned(), |model| format!("Arm {model}"))
}
