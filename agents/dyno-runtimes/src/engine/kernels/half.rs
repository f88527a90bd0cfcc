//! Half-precision numbers (IEEE 754 binary16) and bfloat16 as bits.

/// The value of a binary16.
#[inline(always)]
pub(crate) fn half_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let rest = u32::from(bits & 0x7fff);
    if rest >= 0x7c00 {
        return f32::from_bits(sign | 0x7f80_0000 | ((rest & 0x3ff) << 13));
    }
    f32::from_bits(sign | finite_half(rest).to_bits())
}

/// The magnitude of a finite binary16: its exponent, put where that of an `f32` is, is too small by 127 - 15.
#[inline(always)]
pub(crate) fn finite_half(magnitude_bits: u32) -> f32 {
    f32::from_bits(magnitude_bits << 13) * f32::from_bits((127 + 112) << 23)
}

/// The binary16 nearest to `x`, ties to even; too great a number becomes infinity.
#[inline(always)]
pub(crate) fn f32_to_half(x: f32) -> u16 {
    let bits = x.to_bits();
    let sign = ((bits >> 16) & 0x8000) as u16;
    let magnitude = bits & 0x7fff_ffff;
    if magnitude > 0x7f80_0000 {
        return sign | 0x7e00;
    }
    if magnitude >= 0x477f_f000 {
        return sign | 0x7c00;
    }
    if magnitude < 0x3880_0000 {
        // Subnormal: adding 0.5 leaves the 24-bit significand in units of 2^-24, rounded by the hardware.
        let rounded = f32::from_bits(magnitude) + 0.5;
        return sign | (rounded.to_bits() - 0x3f00_0000) as u16;
    }
    let odd = (magnitude >> 13) & 1;
    let rounded = magnitude + 0xfff + odd - (112 << 23);
    sign | (rounded >> 13) as u16
}

/// The value of a bfloat16.
pub(crate) fn bfloat_to_f32(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_known_values() {
        // IEEE 754 binary16: 1, -2, 65504 (greatest), 2^-14 (smallest normal), 2^-24 (smallest), infinity.
        let known = [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0400, 2.0_f32.powi(-14)),
            (0x0001, 2.0_f32.powi(-24)),
            (0x7c00, f32::INFINITY),
            (0x8000, -0.0),
        ];
        for (bits, value) in known {
            assert_eq!(half_to_f32(bits).to_bits(), value.to_bits(), "{bits:04x}");
            assert_eq!(f32_to_half(value), bits, "{value}");
        }
    }

    #[test]
    fn every_half_survives_the_round_trip() {
        for bits in 0..=u16::MAX {
            if bits & 0x7fff <= 0x7c00 {
                assert_eq!(f32_to_half(half_to_f32(bits)), bits);
            }
        }
    }

    #[test]
    fn rounding_is_to_nearest_even() {
        // Between 1 (…0) and 1 + 2^-10 (…1): the middle goes to the even one.
        assert_eq!(f32_to_half(1.0 + 2.0_f32.powi(-11)), 0x3c00);
        assert_eq!(f32_to_half(1.0 + 3.0 * 2.0_f32.powi(-11)), 0x3c02);
        assert_eq!(f32_to_half(65519.9), 0x7bff);
        assert_eq!(f32_to_half(65520.0), 0x7c00);
        assert_eq!(f32_to_half(2.0_f32.powi(-25)), 0);
        assert_eq!(f32_to_half(2.0_f32.powi(-25) * 1.5), 1);
    }
}
