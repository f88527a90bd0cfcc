//! The numbers of one reading: pure.

use dyno_model::meter::{MeterClock, MeterField, MeterFormat};

/// Columns of one line that are looked at (house rule).
const MAX_COLUMNS: usize = 4096;

/// How to find the numbers of a reading.
#[derive(Debug)]
pub(crate) struct Form {
    /// Places of the fields, and of the stamp after them where there is one.
    places: Vec<String>,
    has_stamp: bool,
    how: How,
    /// Whether the next line may be a header that nobody needs.
    is_first: bool,
}

#[derive(Debug)]
enum How {
    Json,
    /// The columns, once they are known; before that a header is waited for.
    Csv {
        delimiter: char,
        columns: Option<Vec<usize>>,
    },
    Plain,
}

/// What one text came to.
#[derive(Debug, PartialEq)]
pub(crate) enum Reading {
    /// A header, or what comes before it.
    NotYet,
    /// No reading at all.
    Garbled,
    /// A number for each field; `None` where there is none.
    Numbers { values: Vec<Option<f64>>, stamp: Option<f64> },
}

impl Form {
    pub(crate) fn new(format: MeterFormat, fields: &[MeterField], clock: &MeterClock) -> Self {
        let mut places: Vec<String> = fields.iter().map(|field| field.at.clone()).collect();
        let has_stamp = matches!(clock, MeterClock::Own { .. });
        if let MeterClock::Own { at, .. } = clock {
            places.push(at.clone());
        }
        let how = match format {
            MeterFormat::Json => How::Json,
            MeterFormat::Csv { delimiter } => How::Csv { delimiter, columns: numbered(&places) },
            MeterFormat::Plain | MeterFormat::Kernel => How::Plain,
        };
        Self { places, has_stamp, how, is_first: true }
    }

    /// A source begins anew: its header comes again.
    pub(crate) fn begin(&mut self) {
        self.is_first = true;
        if let How::Csv { columns, .. } = &mut self.how {
            *columns = numbered(&self.places);
        }
    }

    pub(crate) fn read(&mut self, text: &str) -> Reading {
        let is_first = std::mem::replace(&mut self.is_first, false);
        match self.take(text) {
            Reading::Garbled if is_first && matches!(self.how, How::Csv { .. }) => Reading::NotYet,
            reading => reading,
        }
    }

    fn take(&mut self, text: &str) -> Reading {
        let found = match &mut self.how {
            How::Json => match serde_json::from_str::<serde_json::Value>(text) {
                Ok(value) => self
                    .places
                    .iter()
                    .map(|place| value.pointer(place).and_then(serde_json::Value::as_f64))
                    .collect(),
                Err(_not_json) => return Reading::Garbled,
            },
            How::Plain => vec![number(text); self.places.len()],
            How::Csv { delimiter, columns } => {
                let cells: Vec<&str> = text.split(*delimiter).take(MAX_COLUMNS).map(bare).collect();
                let Some(columns) = columns else {
                    *columns = named(&self.places, &cells);
                    return Reading::NotYet;
                };
                columns.iter().map(|column| cells.get(*column).copied().and_then(number)).collect()
            }
        };
        self.sort(found)
    }

    fn sort(&self, mut values: Vec<Option<f64>>) -> Reading {
        let stamp = if self.has_stamp { values.pop().flatten() } else { None };
        if values.iter().all(Option::is_none) || (self.has_stamp && stamp.is_none()) {
            return Reading::Garbled;
        }
        Reading::Numbers { values, stamp }
    }
}

/// A cell without the quotes and blanks around it.
fn bare(cell: &str) -> &str {
    cell.trim().trim_matches('"').trim()
}

/// A decimal number; `NaN` and `inf` are numbers here, and are counted as absurd later.
fn number(text: &str) -> Option<f64> {
    bare(text).parse().ok()
}

/// The columns of places that are all of the form `#3`.
fn numbered(places: &[String]) -> Option<Vec<usize>> {
    places.iter().map(|place| place.strip_prefix('#')?.parse::<usize>().ok()?.checked_sub(1)).collect()
}

/// The columns that a header gives to all places.
fn named(places: &[String], header: &[&str]) -> Option<Vec<usize>> {
    let one = |place: &String| match place.strip_prefix('#').and_then(|n| n.parse::<usize>().ok()) {
        Some(n) => n.checked_sub(1),
        None => header.iter().position(|cell| cell == place),
    };
    places.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use dyno_model::meter::ClockOrigin;
    use dyno_model::sample::Quantity;

    use super::*;

    fn fields(places: &[&str]) -> Vec<MeterField> {
        let field = |at: &&str| MeterField { at: (*at).to_owned(), quantity: Quantity::PowerUw, scale: 1 };
        places.iter().map(field).collect()
    }

    fn own(at: &str) -> MeterClock {
        MeterClock::Own { at: at.to_owned(), unit_ns: 1, origin: ClockOrigin::Wall }
    }

    fn numbers(values: &[Option<f64>], stamp: Option<f64>) -> Reading {
        Reading::Numbers { values: values.to_vec(), stamp }
    }

    #[test]
    fn a_shelly_answer_is_read_by_its_pointers() {
        // The form of Switch.GetStatus in Shelly's documentation of Gen2 devices, shortened.
        let text = r#"{"id":0,"source":"timer","output":true,"apower":8.9,"voltage":237.5,"freq":50.0,"current":0.041,
            "aenergy":{"total":6.532,"by_minute":[45.199,47.141,88.397],"minute_ts":1626935779},
            "temperature":{"tC":23.5,"tF":74.4}}"#;
        let mut form = Form::new(
            MeterFormat::Json,
            &fields(&["/apower", "/aenergy/total", "/nothing"]),
            &MeterClock::Receipt,
        );
        assert_eq!(form.read(text), numbers(&[Some(8.9), Some(6.532), None], None));
        for bad in ["", "{", "ERR", r#"{"apower":"8.9 W"}"#, r#"{"apower":NaN}"#, r#"{"apower":null}"#, "[1]"]
        {
            assert_eq!(form.read(bad), Reading::Garbled, "{bad}");
        }
    }

    #[test]
    fn columns_are_found_by_the_header_wherever_it_stands() {
        let csv = MeterFormat::Csv { delimiter: ',' };
        let mut form = Form::new(csv, &fields(&["Main current (A)", "Main voltage (V)"]), &own("Timestamp"));
        assert_eq!(form.read("# recorded by hand"), Reading::NotYet);
        assert_eq!(form.read("\"Timestamp\",\"Main current (A)\",Main voltage (V)"), Reading::NotYet);
        assert_eq!(form.read("0.5, 0.25 ,3.7"), numbers(&[Some(0.25), Some(3.7)], Some(0.5)));
        assert_eq!(form.read("0.6,x,3.7"), numbers(&[None, Some(3.7)], Some(0.6)));
        assert_eq!(form.read("later,1,2"), Reading::Garbled, "no stamp, no row");
        form.begin();
        assert_eq!(form.read("0.5,0.25,3.7"), Reading::NotYet, "another file, another header");
    }

    #[test]
    fn columns_by_number_need_no_header_and_0_is_none() {
        let mut form = Form::new(MeterFormat::Csv { delimiter: ';' }, &fields(&["#2"]), &own("#1"));
        assert_eq!(form.read("Time;Current"), Reading::NotYet, "one may be there");
        assert_eq!(form.read("Time;Current"), Reading::Garbled, "but only once");
        assert_eq!(form.read("10;4.5"), numbers(&[Some(4.5)], Some(10.0)));
        let Reading::Numbers { values, .. } = form.read("11;NaN") else { panic!("a number by its form") };
        assert!(values[0].is_some_and(f64::is_nan));
        let mut none = Form::new(MeterFormat::Csv { delimiter: ';' }, &fields(&["#0"]), &MeterClock::Receipt);
        assert_eq!(none.read("1;2"), Reading::NotYet);
    }

    #[test]
    fn one_number_is_a_reading() {
        let mut form = Form::new(MeterFormat::Plain, &fields(&[""]), &MeterClock::Receipt);
        assert_eq!(form.read(" 12.5 \r"), numbers(&[Some(12.5)], None));
        assert_eq!(form.read("12.5 W"), Reading::Garbled);
    }
}
