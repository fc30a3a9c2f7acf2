//! Amounts of money.

/// A currency by its ISO 4217 code.
pub(super) type Currency = &'static str;

/// An amount of money; the currency is unknown when it was not told or its name stands for several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) currency: Option<Currency>,
    /// Hundredths.
    pub(super) cents: u64,
}

impl Amount {
    /// `UUUmm.nn`, or `mm.nn` without a currency.
    pub(super) fn canonical(self) -> String {
        format!("{}{}.{:02}", self.currency.unwrap_or_default(), self.cents / 100, self.cents % 100)
    }
}

/// Hundredths of a decimal number as written (`3`, `3.5`, `3.50`), times `scale`; `None` for parts of a hundredth.
pub(super) fn cents(written: &str, scale: u64) -> Option<u64> {
    const FRACTION_MAX: usize = 12;
    let (whole, fraction) = written.split_once('.').unwrap_or((written, ""));
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > FRACTION_MAX {
        return None;
    }
    let denominator = 10u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let part: u128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let numerator =
        whole.checked_mul(denominator)?.checked_add(part)?.checked_mul(100)?.checked_mul(u128::from(scale))?;
    if !numerator.is_multiple_of(denominator) {
        return None;
    }
    u64::try_from(numerator / denominator).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hundredths_are_exact() {
        assert_eq!(cents("3.50", 1), Some(350));
        assert_eq!(cents(".5", 1), Some(50));
        assert_eq!(cents("1.2", 1_000_000), Some(120_000_000));
        assert_eq!(cents("3.505", 1), None);
        assert_eq!(Amount { currency: Some("USD"), cents: 305 }.canonical(), "USD3.05");
    }
}
