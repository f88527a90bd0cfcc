//! What the drivers make of the boards in `fixtures/*.tree`; every expected value is worked out by hand from them.

mod tree;

use std::collections::BTreeMap;

use dyno_model::sample::{AccuracyClass, Channel, Quantity, Scope};
use dyno_sensors::{DRIVERS, Found, ProbeContext, SysRoot};

use crate::tree::Tree;

/// Rows of one driver's sensors, each value with its channel, and what is left out.
struct Board {
    values: Vec<(Channel, Option<i64>)>,
    left_out: BTreeMap<String, String>,
}

impl Board {
    fn of(fixture: &str, driver: &str) -> Self {
        let tree = Tree::of_fixture(fixture);
        let driver = DRIVERS.iter().find(|known| known.name() == driver).expect("a driver of that name");
        let found: Found =
            driver.probe(&SysRoot::tree(tree.path()), &ProbeContext::new(100)).expect("a tree with folders");
        let mut values = Vec::new();
        for mut sensor in found.sensors {
            let channels = sensor.channels().to_vec();
            assert!(channels.iter().all(|one| one.period_ms == channels[0].period_ms), "{channels:?}");
            let mut row = vec![Some(-1); channels.len()];
            if sensor.read(&mut row).is_err() {
                // The runtime's process is not known here.
                continue;
            }
            values.extend(channels.into_iter().zip(row));
        }
        let left_out = found.unreadable.into_iter().map(|one| (one.what, one.reason)).collect();
        Self { values, left_out }
    }

    /// Quantity, site and value of all channels.
    fn says(&self) -> Vec<(Quantity, &str, Option<i64>)> {
        self.values.iter().map(|(channel, value)| (channel.quantity, &*channel.site, *value)).collect()
    }

    fn channel(&self, quantity: Quantity, site: &str) -> &Channel {
        let wanted = |channel: &&Channel| channel.quantity == quantity && channel.site == site;
        self.values.iter().map(|(channel, _)| channel).find(wanted).expect("a channel of that name")
    }

    /// Class, scope and period of a power or energy channel.
    fn trust(&self, quantity: Quantity, site: &str) -> (AccuracyClass, Option<Scope>, u32) {
        let channel = self.channel(quantity, site);
        (channel.class, channel.scope, channel.period_ms)
    }
}

#[test]
fn an_orin_nano_has_three_rails_and_the_first_is_the_board() {
    use Quantity::{CurrentUa, PowerUw, ThrottleCount, VoltageUv};
    let board = Board::of("jetson-orin-nano", "hwmon");
    let expected = [
        (VoltageUv, "VDD_IN", Some(5_032_000)),
        (CurrentUa, "VDD_IN", Some(968_000)),
        // 5.032 V × 0.968 A, 5.032 V × 0.248 A, 5.024 V × 0.304 A.
        (PowerUw, "VDD_IN", Some(4_870_976)),
        (VoltageUv, "VDD_CPU_GPU_CV", Some(5_032_000)),
        (CurrentUa, "VDD_CPU_GPU_CV", Some(248_000)),
        (PowerUw, "VDD_CPU_GPU_CV", Some(1_247_936)),
        (VoltageUv, "VDD_SOC", Some(5_024_000)),
        (CurrentUa, "VDD_SOC", Some(304_000)),
        (PowerUw, "VDD_SOC", Some(1_527_296)),
        (ThrottleCount, "soctherm_oc oc1", Some(0)),
        (ThrottleCount, "soctherm_oc oc3", Some(3)),
    ];
    assert_eq!(board.says(), expected);
    assert_eq!(board.trust(PowerUw, "VDD_IN"), (AccuracyClass::C, Some(Scope::Board), 100));
    assert_eq!(board.trust(PowerUw, "VDD_SOC"), (AccuracyClass::C, Some(Scope::Part), 100));
    assert_eq!(board.channel(ThrottleCount, "soctherm_oc oc1").period_ms, 1000);
    assert!(board.left_out.is_empty(), "{:?}", board.left_out);

    let clocks = Board::of("jetson-orin-nano", "devfreq");
    let expected = [
        (Quantity::FreqKhz, "17000000.gpu", Some(306_000)),
        (Quantity::FreqCapKhz, "17000000.gpu", Some(624_750)),
    ];
    assert_eq!(clocks.says(), expected);
    let memory = Board::of("jetson-orin-nano", "procfs");
    assert!(memory.says().contains(&(Quantity::GpuBytes, "nvmap", Some(1 << 30))));
    assert!(memory.says().contains(&(Quantity::SwapBytes, "system", Some(2_000_000 << 10))));
}

#[test]
fn an_agx_orin_has_no_rail_of_the_whole_board() {
    let board = Board::of("jetson-agx-orin", "hwmon");
    let powers: Vec<_> = board.says().into_iter().filter(|one| one.0 == Quantity::PowerUw).collect();
    let expected = [
        // 18.96 V × 0.16 A, 18.952 V × 0.04 A, 5.032 V × 0.8 A.
        (Quantity::PowerUw, "VDD_GPU_SOC", Some(3_033_600)),
        (Quantity::PowerUw, "VDD_CPU_CV", Some(758_080)),
        (Quantity::PowerUw, "VIN_SYS_5V0", Some(4_025_600)),
    ];
    assert_eq!(powers, expected);
    assert!(board.values.iter().all(|(channel, _)| channel.scope.is_none_or(|scope| scope == Scope::Part)));
    assert_eq!(board.left_out.keys().collect::<Vec<_>>(), ["VDDQ_VDD2_1V8AO current"]);
    assert!(board.says().contains(&(Quantity::TempMdegc, "tmp451 temp1", Some(41_250))));
    let thermal = Board::of("jetson-agx-orin", "thermal");
    assert!(thermal.says().contains(&(Quantity::CoolingState, "cooling_device4 pwm-fan", Some(1))));
}

#[test]
fn a_raspberry_pi_tells_of_its_supply_and_has_no_rails() {
    let board = Board::of("raspberry-pi-5", "hwmon");
    let expected =
        [(Quantity::AlarmState, "rpi_volt in0", Some(0)), (Quantity::FanRpm, "pwmfan fan1", Some(2980))];
    assert_eq!(board.says(), expected, "cpu_thermal is the zone of that name");
    let flags = Board::of("raspberry-pi-5", "throttle");
    assert_eq!(flags.says(), [(Quantity::ThrottleFlags, "firmware", Some(0x50000))]);
    let clocks = Board::of("raspberry-pi-5", "cpufreq");
    assert!(clocks.says().contains(&(Quantity::FreqCapKhz, "cpu0-1", Some(1_800_000))));
}

#[test]
fn a_pixel_has_counters_on_its_rails() {
    let board = Board::of("pixel-8", "odpm");
    let expected = [
        (Quantity::EnergyUj, "S2S_VDD_G3D", Some(300)),
        (Quantity::EnergyUj, "S2M_VDD_CPUCL2", Some(88_055_221)),
    ];
    assert_eq!(board.says(), expected);
    let trust = board.trust(Quantity::EnergyUj, "S2M_VDD_CPUCL2");
    assert_eq!(trust, (AccuracyClass::B, Some(Scope::Part), 100));
    assert_eq!(board.left_out.keys().collect::<Vec<_>>(), ["s2mpg14-odpm"], "the meter that is closed");
}

#[test]
fn a_phone_with_a_gauge_has_a_derived_power_and_its_state() {
    use Quantity::{
        CapacityPermille, ChargeState, ChargeUah, CurrentUa, PluggedState, PowerUw, TempMdegc, VoltageUv,
    };
    let board = Board::of("phone-fuel-gauge", "power_supply");
    let expected = [
        (ChargeState, "battery", Some(2)),
        (VoltageUv, "battery", Some(4_015_000)),
        (CurrentUa, "battery", Some(512_000)),
        (ChargeUah, "battery", Some(2_860_000)),
        (CapacityPermille, "battery", Some(640)),
        (TempMdegc, "battery", Some(28_700)),
        // 4.015 V × 0.512 A, in the sign of the gauge.
        (PowerUw, "battery", Some(2_055_680)),
        (PluggedState, "usb", Some(0)),
    ];
    assert_eq!(board.says(), expected);
    assert_eq!(board.trust(PowerUw, "battery"), (AccuracyClass::D, Some(Scope::Device), 1000));
    assert_eq!(board.left_out["bms"], "another view of the battery that is sampled");

    let clocks = Board::of("phone-fuel-gauge", "devfreq");
    assert_eq!(clocks.says()[0], (Quantity::FreqKhz, "3d00000.qcom,kgsl-3d0", Some(220_000)));
    assert_eq!(clocks.left_out["soc:qcom,cpubw"], "its highest clock does not tell a unit");
    let thermal = Board::of("phone-fuel-gauge", "thermal");
    assert!(thermal.says().contains(&(Quantity::CoolingState, "cooling_device0 thermal-cpufreq-7", Some(4))));
    let memory = Board::of("phone-fuel-gauge", "procfs");
    assert!(memory.says().contains(&(Quantity::OomKills, "system", Some(1))));
    assert!(memory.says().contains(&(Quantity::StallFullNs, "memory", Some(500_000_000))));
    // 4194300 - 3145724 KiB.
    assert!(memory.says().contains(&(Quantity::SwapBytes, "system", Some(1_048_576 << 10))));
}

#[test]
fn an_intel_laptop_keeps_its_counters_back_in_part() {
    let energy = Board::of("laptop-x86", "powercap");
    let expected = [
        (Quantity::EnergyUj, "package-0/core", Some(262_143_999)),
        (Quantity::EnergyUj, "package-0", Some(1)),
    ];
    assert_eq!(energy.says(), expected, "the other way to the package's counter is open");
    assert_eq!(energy.channel(Quantity::EnergyUj, "package-0").wraps_at, Some(262_143_328_850));
    assert_eq!(energy.left_out.keys().collect::<Vec<_>>(), ["package-0"]);

    let throttle = Board::of("laptop-x86", "throttle");
    let expected = [
        (Quantity::ThrottleCount, "package0", Some(40)),
        (Quantity::ThrottleNs, "package0", Some(1_234_000_000)),
        (Quantity::ThrottleCount, "cpu0", Some(5)),
        (Quantity::ThrottleCount, "cpu1", Some(2)),
    ];
    assert_eq!(throttle.says(), expected, "cpu2 is the other thread of cpu0");

    let chips = Board::of("laptop-x86", "hwmon");
    let expected = [
        (Quantity::PowerUw, "amdgpu PPT", Some(9_100_000)),
        (Quantity::TempMdegc, "coretemp Package id 0", Some(61_000)),
        (Quantity::TempMdegc, "nvme (hwmon5) Composite", Some(38_850)),
        (Quantity::TempMdegc, "nvme (hwmon6) Composite", Some(41_850)),
    ];
    assert_eq!(chips.says(), expected, "BAT0 is the battery");

    let npu = Board::of("laptop-x86", "accelerator");
    let expected = [
        (Quantity::AcceleratorBusyNs, "accel0 npu", Some(5_000_000_000)),
        // It sleeps now.
        (Quantity::FreqKhz, "accel0 npu", None),
    ];
    assert_eq!(npu.says(), expected);

    let battery = Board::of("laptop-x86", "power_supply");
    assert_eq!(battery.trust(Quantity::PowerUw, "BAT0"), (AccuracyClass::C, Some(Scope::Device), 1000));
    assert!(
        battery.says().contains(&(Quantity::ChargeState, "BAT0", Some(1))),
        "its power means nothing now"
    );
    assert!(battery.says().contains(&(Quantity::StoredUwh, "BAT0", Some(8_200_000))));
    assert!(battery.says().iter().all(|one| one.1 != "hidpp_battery_0"), "a mouse does not feed the laptop");
}

#[test]
fn an_amd_laptop_has_counters_a_gpu_and_a_battery_that_counts_charge() {
    let energy = Board::of("laptop-amd", "powercap");
    let package = energy.channel(Quantity::EnergyUj, "package-0");
    assert_eq!((package.wraps_at, package.scope), (Some(65_532_610_987), Some(Scope::Package)));
    assert_eq!(energy.trust(Quantity::EnergyUj, "package-0/core").1, Some(Scope::Part));

    let chips = Board::of("laptop-amd", "hwmon");
    let expected = [
        (Quantity::PowerUw, "amdgpu PPT", Some(14_021_000)),
        (Quantity::TempMdegc, "k10temp Tctl", Some(63_125)),
        (Quantity::FreqKhz, "amdgpu sclk", Some(800_000)),
        (Quantity::VoltageUv, "amdgpu vddgfx", Some(1_133_000)),
        (Quantity::TempMdegc, "amdgpu edge", Some(51_000)),
        (Quantity::FanRpm, "acpi_fan fan1", Some(0)),
    ];
    assert_eq!(chips.says(), expected, "acpitz and BAT1 are sampled elsewhere");
    let memory = Board::of("laptop-amd", "accelerator");
    let expected = [
        (Quantity::GpuBytes, "card1 vram", Some(384 << 20)),
        (Quantity::GpuBytes, "card1 gtt", Some(1 << 30)),
    ];
    assert_eq!(memory.says(), expected);
    let battery = Board::of("laptop-amd", "power_supply");
    // 15.4 V × -1.2 A.
    assert!(battery.says().contains(&(Quantity::PowerUw, "BAT1", Some(-18_480_000))));
    assert_eq!(battery.trust(Quantity::PowerUw, "BAT1").0, AccuracyClass::D);
    assert!(battery.says().contains(&(Quantity::ChargeUah, "BAT1", Some(3_000_000))));
}
