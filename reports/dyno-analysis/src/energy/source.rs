//! What in a launch measures power or energy, and which of it is to be used.

use dyno_model::board::{BoardTotal, find_board};
use dyno_model::meter::{METER_DRIVER, UNALIGNED_DRIVER};
use dyno_model::sample::{AccuracyClass, Quantity, Scope};
use dyno_model::sensor_test::{SourceTest, SourceVerdict};
use dyno_stats::MeterError;
use dyno_store::ChannelRow;
use dyno_view::energy::EnergyHowView;

use crate::cell::{CellRecord, LaunchRecord};
use crate::contacts::Contacts;
use crate::record::Readings;

/// A source of one launch: one channel, or several that make a whole.
#[derive(Debug, Clone)]
pub(crate) struct Source<'a> {
    pub(crate) driver: &'a str,
    /// `VDD_GPU_SOC + VDD_CPU_CV`.
    pub(crate) name: String,
    pub(crate) class: AccuracyClass,
    pub(crate) scope: Option<Scope>,
    pub(crate) how: EnergyHowView,
    pub(crate) parts: Vec<Part<'a>>,
    /// What the battery does; `None` where it is none.
    pub(crate) charging: Option<Charging<'a>>,
    pub(crate) error: MeterError,
    pub(crate) caveat: Option<String>,
    pub(crate) tested: Option<String>,
    /// Time between two updates and half a step's delay, as its test found.
    pub(crate) update_ns: Option<u64>,
    pub(crate) lag_ns: Option<u64>,
    /// Why it may not be used.
    pub(crate) refused: Option<String>,
}

/// One channel of a source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(crate) points: &'a [(u64, i64)],
    /// Current, where `points` is voltage.
    pub(crate) current: Option<&'a [(u64, i64)]>,
    pub(crate) wraps_at: Option<u64>,
    pub(crate) period_ms: u32,
    pub(crate) sign: Sign,
}

/// Which way a source counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// Up with the load.
    AsItIs,
    /// Down with the load.
    Negated,
    /// Nobody has tried: what a battery gives is positive.
    Unknown,
}

/// States of a battery over time; empty where it does not tell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Charging<'a>(pub(crate) &'a [(u64, i64)]);

/// House rules (MEASUREMENT §4.2 has no figure for a class as a whole): how far sources of a class can be wrong by
/// themselves. A: the gate of SPEC and MLPerf (§4.4). B: what NVML documents for its power. C: 1 % of a shunt with its
/// chip, and what a board adds; the step of an INA3221 at 5 V with 5 mΩ. D: an estimate.
fn class_error(class: AccuracyClass) -> MeterError {
    let (gain_ratio, offset_w, step_w) = match class {
        AccuracyClass::A => (0.01, 0.0, 0.0),
        AccuracyClass::B => (0.05, 0.0, 0.0),
        AccuracyClass::C => (0.05, 0.04, 0.04),
        AccuracyClass::D => (0.2, 0.0, 0.0),
    };
    MeterError { gain_ratio, offset_w, step_w }
}

/// All sources of a launch, the best first: by class, then counters before samples, then the wider scope.
pub(crate) fn sources<'a>(cell: &CellRecord<'a>, launch: &LaunchRecord<'_>) -> Vec<Source<'a>> {
    let channels: Vec<Readings<'a>> = cell.record.readings_of(launch.row.run, launch.row.launch).collect();
    let contacts = Contacts::of(cell.record, &cell.cell.device);
    let tests = tests(&contacts, launch.row.session);
    let singles: Vec<Source<'a>> = channels
        .iter()
        .filter_map(|channel| single(cell, &channels, channel))
        .map(|source| with_test(source, tests))
        .collect();
    let mut all: Vec<Source<'a>> = twins(&singles);
    all.extend(board_total(cell, &contacts).and_then(|total| rails(&channels, &total, tests)));
    all.extend(singles);
    all.sort_by_key(Source::rank);
    all
}

impl Source<'_> {
    /// The better, the smaller.
    pub(crate) fn rank(&self) -> (bool, AccuracyClass, bool, u8) {
        let is_counter = self.how == EnergyHowView::Counter;
        (self.refused.is_some(), self.class, !is_counter, scope_rank(self.scope))
    }
}

fn scope_rank(scope: Option<Scope>) -> u8 {
    match scope {
        Some(Scope::Device) => 0,
        Some(Scope::Board) => 1,
        Some(Scope::Package) => 2,
        Some(Scope::Part) => 3,
        None => 4,
    }
}

/// The tests of the launch's own contact, or of the last one that has any.
fn tests<'a>(contacts: &Contacts<'a>, session: u32) -> &'a [SourceTest] {
    let own = contacts.all.iter().find(|contact| contact.session == session);
    let own = own.map(|contact| contact.sensor_tests).filter(|tests| !tests.is_empty());
    let last =
        || contacts.all.iter().rev().map(|contact| contact.sensor_tests).find(|tests| !tests.is_empty());
    own.or_else(last).unwrap_or_default()
}

/// A channel as a source by itself; `None` for one that is none.
fn single<'a>(cell: &CellRecord<'a>, all: &[Readings<'a>], channel: &Readings<'a>) -> Option<Source<'a>> {
    let (row, points) = *channel;
    let what = &row.what;
    let beside = |quantity| {
        let found = all.iter().find(|(other, _)| {
            other.what.quantity == quantity && other.driver == row.driver && other.what.site == what.site
        });
        found.map(|(other, points)| (*other, *points))
    };
    let (how, current) = match what.quantity {
        Quantity::EnergyUj => (EnergyHowView::Counter, None),
        Quantity::PowerUw => (EnergyHowView::Samples, None),
        Quantity::VoltageUv if beside(Quantity::PowerUw).is_none() => {
            (EnergyHowView::Product, Some(beside(Quantity::CurrentUa)?))
        }
        _ => return None,
    };
    let charging = (row.driver == "power_supply")
        .then(|| Charging(beside(Quantity::ChargeState).map(|of| of.1).unwrap_or_default()));
    let is_battery = charging.is_some();
    let product_scope = || {
        let told = what.scope.or_else(|| current.and_then(|(of, _)| of.what.scope));
        told.or(is_battery.then_some(Scope::Device))
    };
    let scope = if current.is_some() { product_scope() } else { what.scope };
    let class = match current {
        Some((of, _)) => {
            what.class.max(of.what.class).max(if is_battery { AccuracyClass::D } else { what.class })
        }
        None => what.class,
    };
    Some(Source {
        driver: &row.driver,
        name: what.site.clone(),
        class,
        scope,
        how,
        parts: vec![Part {
            points,
            current: current.map(|of| of.1),
            wraps_at: what.wraps_at,
            period_ms: what.period_ms,
            sign: if is_battery { Sign::Unknown } else { Sign::AsItIs },
        }],
        charging,
        error: meter_error(cell, row).unwrap_or_else(|| class_error(class)),
        caveat: None,
        tested: None,
        update_ns: None,
        lag_ns: None,
        refused: refused(row, scope),
    })
}

/// What a person says of an external meter.
fn meter_error(cell: &CellRecord<'_>, row: &ChannelRow) -> Option<MeterError> {
    if row.driver != METER_DRIVER {
        return None;
    }
    // A meter's channels have its name for a site.
    let meter = cell.record.plan.meters.get(&row.what.site)?;
    let known = meter.gain_ppm > 0 || meter.offset_uw > 0;
    known.then(|| MeterError {
        gain_ratio: f64::from(meter.gain_ppm) / 1e6,
        offset_w: meter.offset_uw as f64 / 1e6,
        step_w: 0.0,
    })
}

fn refused(row: &ChannelRow, scope: Option<Scope>) -> Option<String> {
    if row.driver == UNALIGNED_DRIVER {
        return Some("its readings could not be put on the device's clock".to_owned());
    }
    if row.what.period_ms == 0 {
        return Some("it is read at boundaries only".to_owned());
    }
    match scope {
        Some(Scope::Part) => {
            Some("it is a part: others may hold it already, and parts are never added up".to_owned())
        }
        None => Some("nobody says what it covers".to_owned()),
        Some(Scope::Device | Scope::Board | Scope::Package) => None,
    }
}

fn with_test<'a>(mut source: Source<'a>, tests: &[SourceTest]) -> Source<'a> {
    let quantity = match source.how {
        EnergyHowView::Counter => Quantity::EnergyUj,
        EnergyHowView::Samples => Quantity::PowerUw,
        // Of voltage and current it is the current that follows a load.
        EnergyHowView::Product => Quantity::CurrentUa,
    };
    let fits = |test: &&SourceTest| {
        test.driver == source.driver && test.site == source.name && test.quantity == quantity
    };
    if let Some(test) = tests.iter().find(fits) {
        (source.update_ns, source.lag_ns) = (test.update_ns, test.lag_ns);
        let followed = || format!("it followed {} of {} steps of load", test.n_followed, test.n_steps);
        match &test.verdict {
            SourceVerdict::Usable => {
                source.tested = Some(followed());
                set_sign(&mut source, Sign::AsItIs);
            }
            SourceVerdict::Negated => {
                source.tested = Some(format!("{}, the other way round: its figures are negated", followed()));
                set_sign(&mut source, Sign::Negated);
            }
            SourceVerdict::Untried { why } => source.tested = Some(format!("not confirmed: {why}")),
            SourceVerdict::Unusable { why } => source.refused = Some(format!("its test failed: {why}")),
        }
    }
    source
}

fn set_sign(source: &mut Source<'_>, sign: Sign) {
    for part in &mut source.parts {
        part.sign = sign;
    }
}

/// Chips of one kind that are told apart by a number, as two packages on one mainboard: together they are one source.
fn twins<'a>(singles: &[Source<'a>]) -> Vec<Source<'a>> {
    let stem = |name: &str| name.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    let is_chip = |source: &&Source<'_>| source.scope == Some(Scope::Package) && ends_in_digit(&source.name);
    let mut groups: Vec<Vec<&Source<'a>>> = Vec::new();
    for source in singles.iter().filter(is_chip) {
        let fits = |group: &&mut Vec<&Source<'a>>| {
            let first = group[0];
            (first.driver, first.how, stem(&first.name)) == (source.driver, source.how, stem(&source.name))
        };
        match groups.iter_mut().find(fits) {
            Some(group) => group.push(source),
            None => groups.push(vec![source]),
        }
    }
    groups
        .into_iter()
        .filter(|group| group.len() > 1)
        .map(|group| sum(&group, Some(Scope::Package)))
        .collect()
}

fn ends_in_digit(name: &str) -> bool {
    name.ends_with(|c: char| c.is_ascii_digit())
}

/// Sources added up; what one of them is refused for, the sum is refused for.
fn sum<'a>(of: &[&Source<'a>], scope: Option<Scope>) -> Source<'a> {
    let names: Vec<&str> = of.iter().map(|source| source.name.as_str()).collect();
    let class = of.iter().map(|source| source.class).max().unwrap_or(AccuracyClass::D);
    let n = of.len() as f64;
    let error = class_error(class);
    Source {
        driver: of[0].driver,
        name: names.join(" + "),
        class,
        scope,
        how: of[0].how,
        parts: of.iter().flat_map(|source| source.parts.clone()).collect(),
        charging: None,
        // Their gains are wrong together, their steps are not.
        error: MeterError {
            gain_ratio: error.gain_ratio,
            offset_w: error.offset_w * n,
            step_w: error.step_w * n.sqrt(),
        },
        caveat: None,
        tested: of.iter().all(|source| source.tested.is_some()).then(|| "each of them was tried".to_owned()),
        update_ns: of.iter().filter_map(|source| source.update_ns).max(),
        lag_ns: of.iter().filter_map(|source| source.lag_ns).max(),
        refused: of.iter().find_map(|source| Some(format!("{}: {}", source.name, source.refused.as_ref()?))),
    }
}

/// What makes the whole of this device, as the catalogue of boards says.
fn board_total(cell: &CellRecord<'_>, contacts: &Contacts<'_>) -> Option<BoardTotal> {
    let plan = cell.record.plan;
    let named = plan.devices.get(&cell.cell.device).and_then(|device| device.board.as_deref());
    let boards = plan.boards.iter().map(|(name, board)| (name.as_str(), board));
    find_board(boards, named, contacts.facts())?.1.total.clone()
}

/// The rails that make the whole; `None` where one of them is missing.
fn rails<'a>(all: &[Readings<'a>], total: &BoardTotal, tests: &[SourceTest]) -> Option<Source<'a>> {
    let how = match total.quantity {
        Quantity::EnergyUj => EnergyHowView::Counter,
        _ => EnergyHowView::Samples,
    };
    let rail = |site: &String| {
        let (row, points) =
            all.iter().find(|(row, _)| row.what.quantity == total.quantity && row.what.site == *site)?;
        let part = Part {
            points,
            current: None,
            wraps_at: row.what.wraps_at,
            period_ms: row.what.period_ms,
            sign: Sign::AsItIs,
        };
        let source = Source {
            driver: &row.driver,
            name: site.clone(),
            class: row.what.class,
            scope: Some(Scope::Part),
            how,
            parts: vec![part],
            charging: None,
            error: class_error(row.what.class),
            caveat: None,
            tested: None,
            update_ns: None,
            lag_ns: None,
            refused: refused(row, Some(total.scope)),
        };
        Some(with_test(source, tests))
    };
    let rails: Vec<Source<'a>> = total.sites.iter().map(rail).collect::<Option<_>>()?;
    let all: Vec<&Source<'a>> = rails.iter().collect();
    let sum = if all.is_empty() { None } else { Some(sum(&all, Some(total.scope))) };
    sum.map(|sum| Source { caveat: total.caveat.clone(), ..sum })
}
