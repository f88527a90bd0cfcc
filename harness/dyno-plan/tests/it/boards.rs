//! The catalogue of boards: its words, what is wrong with them, and what a plan takes along.

use dyno_model::board::{Certainty, find_board};
use dyno_model::device::DeviceFacts;
use dyno_model::sample::{Quantity, Scope};
use dyno_plan::{Ask, Catalog, Inputs, Source};

use crate::lab::lab;

const BOARD: &str =
    "schema_version = 1\n[board.raspberry-pi-5]\ntitle = \"Mine\"\nsigns.compatible = [\"a,b\"]\n";

fn load(text: &str) -> Result<Catalog, String> {
    let source = Source::user("catalog/boards/mine.toml", text).expect("a file of boards");
    Catalog::load(&lab().with(source)).map_err(|problems| problems.to_string())
}

#[test]
fn what_is_wrong_with_a_board_is_told_with_its_place() {
    let check = |text: &str, expected: &str| {
        let text = format!("{BOARD}{text}");
        let problems = load(&text).expect_err(&text);
        assert!(problems.contains(expected), "{problems}");
    };
    check("bandwith = 3\n", "mine.toml:5:1: unknown key `bandwith` in `board.raspberry-pi-5`");
    check("signs.model = [\" \"]\n", "mine.toml:4:1: a sign of board `raspberry-pi-5` is empty");
    check("[board.x]\ntitle = \"X\"\nsigns = {}\n", "mine.toml:7:1: board `x` has no sign");
    check(
        "bandwidth = { gb_per_s = 68e9, source = \"s\", certainty = \"computed\" }\n",
        "68000000000 GB/s is no memory's bandwidth",
    );
    check(
        "bandwidth = { gb_per_s = 0, source = \"s\", certainty = \"computed\" }\n",
        "0 GB/s is no memory's bandwidth",
    );
    check("bandwidth = { gb_per_s = 1, source = \"s\", certainty = \"sure\" }\n", "`sure` is no value of");
    check("total = { quantity = \"power_uw\", sites = [], scope = \"board\" }\n", "a sum of no sources");
    check(
        "total = { quantity = \"power_uw\", sites = [\"A\", \"B\", \"A\"], scope = \"board\" }\n",
        "`A` would be added twice",
    );
    assert!(load(BOARD).is_ok());
}

#[test]
fn a_plan_has_the_boards_that_its_devices_name() {
    let mine = Source::user("catalog/boards/mine.toml", BOARD).expect("a file of boards");
    let ask = |device: &str| Ask { devices: vec![device.to_owned()], ..Ask::suite("small") };
    let plan = |device| dyno_plan::freeze(&lab().with(mine.clone()), &ask(device)).expect("no problem");
    let with = plan("pi5-a");
    assert_eq!(with.boards.keys().collect::<Vec<_>>(), ["raspberry-pi-5"]);
    assert_eq!(with.boards["raspberry-pi-5"].title, "Mine");
    assert!(plan("bench").boards.is_empty(), "it names none");
    let without = dyno_plan::freeze(&lab(), &ask("pi5-a")).expect("a board may have no entry");
    assert!(without.boards.is_empty());
    assert!(!serde_json::to_string(&without).expect("it is JSON").contains("\"boards\""), "as before");
}

#[test]
fn shipped_boards_are_found_by_what_devices_say_of_themselves() {
    let boards = Catalog::load(&Inputs::shipped()).expect("what is shipped has no problem").boards;
    let find = |facts: DeviceFacts| {
        let all = boards.iter().map(|(name, board)| (name.as_str(), board));
        find_board(all, None, Some(&facts)).map(|(name, _)| name.to_owned())
    };
    let tree = |names: &[&str]| DeviceFacts {
        compatible: names.iter().map(|name| (*name).to_owned()).collect(),
        ..DeviceFacts::default()
    };
    // As in arch/arm64/boot/dts of Linux.
    let check = |facts, expected: &str| assert_eq!(find(facts).as_deref(), Some(expected));
    check(tree(&["raspberrypi,5-model-b", "brcm,bcm2712"]), "raspberry-pi-5");
    check(
        tree(&["nvidia,p3768-0000+p3767-0005", "nvidia,p3767-0005", "nvidia,tegra234"]),
        "jetson-orin-nano",
    );
    check(tree(&["nvidia,p3768-0000+p3767-0000", "nvidia,p3767-0000", "nvidia,tegra234"]), "jetson-orin-nx");
    check(tree(&["nvidia,p3737-0000+p3701-0005", "nvidia,p3701-0005", "nvidia,tegra234"]), "jetson-agx-orin");
    let text = |text: &str| Some(text.to_owned());
    check(DeviceFacts { model: text("Google Pixel 8"), ..DeviceFacts::default() }, "pixel-8");
    check(DeviceFacts { soc: text("QTI SM8650"), ..DeviceFacts::default() }, "snapdragon-8-gen-3");
    check(DeviceFacts { cpu: text("Apple M1 Max"), ..DeviceFacts::default() }, "apple-m1-max");
    check(DeviceFacts { cpu: text("AMD Ryzen 7 7840U"), ..DeviceFacts::default() }, "amd-pc");
    let intel = "11th Gen Intel(R) Core(TM) i5-1135G7 @ 2.40GHz";
    check(DeviceFacts { cpu: text(intel), ..DeviceFacts::default() }, "intel-pc");
    assert_eq!(find(DeviceFacts::default()), None);
}

#[test]
fn shipped_figures_are_those_of_their_sources() {
    let boards = Catalog::load(&Inputs::shipped()).expect("what is shipped has no problem").boards;
    // A memory's bandwidth is its transfers per second times its width in bytes.
    let check = |name: &str, transfers_per_us: f64, bits: f64| {
        let bandwidth = boards[name].bandwidth.as_ref().expect("it has one");
        let computed = transfers_per_us * 1e6 * bits / 8.0;
        let got = bandwidth.bytes_per_s as f64;
        assert!((got - computed).abs() < computed * 0.005, "{name}: {got} is not {computed}");
    };
    check("raspberry-pi-5", 4267.0, 32.0);
    check("raspberry-pi-4", 3200.0, 32.0);
    check("jetson-orin-nano", 4266.0, 128.0);
    check("jetson-orin-nx", 6400.0, 128.0);
    check("jetson-agx-orin", 6400.0, 256.0);
    check("apple-m1", 4266.0, 128.0);
    check("apple-m1-max", 6400.0, 512.0);
    check("snapdragon-8-gen-3", 9600.0, 64.0);
    check("snapdragon-8-elite", 10_667.0, 64.0);
    assert_eq!(
        boards["jetson-orin-nano"].bandwidth.as_ref().map(|one| one.certainty),
        Some(Certainty::DataSheet)
    );
    let agx = boards["jetson-agx-orin"].total.as_ref().expect("no rail is the whole");
    assert_eq!((agx.quantity, agx.scope), (Quantity::PowerUw, Scope::Board));
    assert_eq!(agx.sites, ["VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"]);
    assert!(boards["raspberry-pi-5"].notes.iter().any(|note| note.contains("5 V branch")));
}
