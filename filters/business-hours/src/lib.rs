//! Outside of business hours, messages go to the clients of another desk, or to nobody.

use postern_filter::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// `HH:MM`, by the clock of the place: from then, until before then. `22:00` until `06:00` is over midnight.
    #[serde(default = "nine")]
    from: String,
    #[serde(default = "five")]
    until: String,
    /// The days on which a span begins.
    #[serde(default = "weekdays")]
    days: Vec<Day>,
    /// The place's clock against UTC: `+01:00`.
    #[serde(default = "utc")]
    utc_offset: String,
    /// `KEY=VALUE` of the clients who get what comes outside of the hours. Without it nobody does.
    #[serde(default)]
    otherwise: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// 1970-01-01 was a Thursday.
const WEEK: [Day; 7] = [Day::Thu, Day::Fri, Day::Sat, Day::Sun, Day::Mon, Day::Tue, Day::Wed];
const DAY: i64 = 24 * 60;

struct BusinessHours {
    /// Minutes of the day, and of the offset.
    from: i64,
    until: i64,
    offset: i64,
    days: Vec<Day>,
    otherwise: Option<Selector>,
}

impl Filter for BusinessHours {
    fn configure() -> Result<Self> {
        let settings: Settings = config::parse()?;
        let (sign, offset) = match settings.utc_offset.split_at_checked(1) {
            Some(("+", offset)) => (1, offset),
            Some(("-", offset)) => (-1, offset),
            _ => return Err(Error::new("`utc_offset` is written `+01:00` or `-03:30`")),
        };
        let otherwise = settings.otherwise.map(|label| match label.split_once('=') {
            Some((key, value)) => Ok(Selector::label(key, value)),
            None => Err(Error::new("`otherwise` is written `KEY=VALUE`")),
        });
        Ok(Self {
            from: minutes("from", &settings.from)?,
            until: minutes("until", &settings.until)?,
            offset: sign * minutes("utc_offset", offset)?,
            days: settings.days,
            otherwise: otherwise.transpose()?,
        })
    }

    fn on_message(&self, message: &Message) -> Result<Verdict> {
        // By when it was received: a replay tomorrow finds the same.
        Ok(match &self.otherwise {
            _ if self.is_open(message.received()) => Verdict::Pass,
            Some(desk) => Verdict::send(desk.clone()),
            None => Verdict::drop("outside of business hours"),
        })
    }
}

postern_filter::filter!(BusinessHours: message);

impl BusinessHours {
    fn is_open(&self, timestamp: u64) -> bool {
        let minutes = i64::try_from(timestamp / 60_000).unwrap_or(i64::MAX - DAY) + self.offset;
        let (day, minute) = (minutes.div_euclid(DAY), minutes.rem_euclid(DAY));
        let works = |day: i64| self.days.contains(&WEEK[usize::try_from(day.rem_euclid(7)).unwrap_or(0)]);
        if self.from < self.until {
            works(day) && (self.from..self.until).contains(&minute)
        } else {
            works(day) && minute >= self.from || works(day - 1) && minute < self.until
        }
    }
}

/// Of a day, from `HH:MM`.
fn minutes(key: &str, text: &str) -> Result<i64> {
    let parsed = text.split_once(':').and_then(|(hours, minutes)| {
        let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
        ((0..=24).contains(&hours) && (0..60).contains(&minutes) && text.len() == 5).then_some(hours * 60 + minutes)
    });
    parsed
        .filter(|minutes| *minutes <= DAY)
        .ok_or_else(|| Error::new(format!("`{key}` has no time like 09:00: {text}")))
}

fn nine() -> String {
    "09:00".to_owned()
}

fn five() -> String {
    "17:00".to_owned()
}

fn utc() -> String {
    "+00:00".to_owned()
}

fn weekdays() -> Vec<Day> {
    vec![Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri]
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern_filter::testing;
    use serde_json::{Value, json};

    const HOUR: u64 = 3_600_000;
    /// Friday, 2026-01-02, midnight.
    const FRIDAY: u64 = 1_767_312_000_000;

    fn at(settings: Value, received: u64) -> Verdict {
        testing::configure(settings);
        let filter = BusinessHours::configure().expect("they are right");
        filter.on_message(&Message::text("{}").with_received(received)).expect("it judges")
    }

    #[test]
    fn what_comes_within_the_hours_passes_and_the_rest_goes_elsewhere() {
        let closed = Verdict::drop("outside of business hours");
        assert_eq!(at(json!({}), FRIDAY + 9 * HOUR), Verdict::Pass);
        assert_eq!(at(json!({}), FRIDAY + 17 * HOUR), closed);
        assert_eq!(at(json!({}), FRIDAY + 33 * HOUR), closed, "it is Saturday");
        let desk = json!({ "otherwise": "desk=night" });
        assert_eq!(at(desk, FRIDAY), Verdict::send(Selector::label("desk", "night")));
        assert_eq!(at(json!({ "utc_offset": "+05:30" }), FRIDAY + 4 * HOUR), Verdict::Pass);
        assert_eq!(at(json!({ "utc_offset": "-10:00" }), FRIDAY + 3 * HOUR), closed, "it is Thursday, 17:00");
    }

    #[test]
    fn hours_over_midnight_belong_to_the_day_on_which_they_begin() {
        let night = || json!({ "from": "22:00", "until": "06:00", "days": ["fri"] });
        assert_eq!(at(night(), FRIDAY + 23 * HOUR), Verdict::Pass);
        assert_eq!(at(night(), FRIDAY + 29 * HOUR), Verdict::Pass);
        assert_ne!(at(night(), FRIDAY + 5 * HOUR), Verdict::Pass, "that was Thursday's");
    }

    #[test]
    fn a_setting_that_is_no_time_keeps_the_filter_out() {
        for wrong in [
            json!({ "from": "9" }),
            json!({ "until": "24:30" }),
            json!({ "utc_offset": "01:00" }),
            json!({ "otherwise": "night" }),
            json!({ "days": ["friday"] }),
            json!({ "form": "09:00" }),
        ] {
            testing::configure(wrong.clone());
            assert!(BusinessHours::configure().is_err(), "{wrong}");
        }
    }
}
