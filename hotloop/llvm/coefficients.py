"""Constants of llvm.mathlib, made by tools/coefficients.py: polynomials (lowest
coefficient first) and numbers as sums of floats. Do not edit.
"""

import numpy as np


def _floats(kind: type, text: str) -> tuple:
    return tuple(kind(float.fromhex(word)) for word in text.split())


# (expm1(r) - r) / r^2
EXP_F32 = _floats(np.float32, """
    0x1.0000000000000p-1 0x1.5554b00000000p-3 0x1.5554880000000p-5
    0x1.1228020000000p-7 0x1.6d98d40000000p-10
""")
EXP_F64 = _floats(np.float64, """
    0x1.0000000000005p-1 0x1.555555555555cp-3 0x1.55555555520f4p-5
    0x1.111111110e6c4p-7 0x1.6c16c17f37739p-10 0x1.a01a01b5dc61ep-13
    0x1.a019a685ba1fap-16 0x1.71dde9fea19e3p-19 0x1.28a2aba703fe3p-22
    0x1.af76b36d6495bp-26
""")
# (2^r - 1) / r
EXP2_F32 = _floats(np.float32, """
    0x1.62e4300000000p-1 0x1.ebfbe00000000p-3 0x1.c6aed00000000p-5
    0x1.3b29aa0000000p-7 0x1.5f47b20000000p-10 0x1.448fda0000000p-13
""")
EXP2_F64 = _floats(np.float64, """
    0x1.62e42fefa39efp-1 0x1.ebfbdff82c5a5p-3 0x1.c6b08d704a0d7p-5
    0x1.3b2ab6fb9ff55p-7 0x1.5d87fe78a0e0bp-10 0x1.4309130f2faa3p-13
    0x1.ffcbfc7c4c600p-17 0x1.62bfc6cc5428ep-20 0x1.b524cde68a8b2p-24
    0x1.e61ca91ba6465p-28 0x1.ea1846dade72ep-32
""")
# (log(1 + g) - g + g^2/2) / g^3
LOG_F32 = _floats(np.float32, """
    0x1.55554a0000000p-2 -0x1.0002200000000p-2 0x1.99a5960000000p-3
    -0x1.54788e0000000p-3 0x1.226e400000000p-3 -0x1.0ce05e0000000p-3
    0x1.07d1220000000p-3 -0x1.41eeea0000000p-4
""")
# (log((1 + s) / (1 - s)) / s - 2) / s^2, of s^2
LOG_F64 = _floats(np.float64, """
    0x1.5555555555592p-1 0x1.999999997fd7bp-2 0x1.24924941f4d2ep-2
    0x1.c71c52061ea12p-3 0x1.74663f9f5e20ap-3 0x1.39a1a712f1209p-3
    0x1.2f063502597d9p-3
""")
# (artanh(s) / s - 1) / s^2, of s^2
ATANH_F32 = _floats(np.float32, """
    0x1.55557a0000000p-2 0x1.995eb80000000p-3 0x1.31e3420000000p-3
""")
ATANH_F64 = _floats(np.float64, """
    0x1.5555555555592p-2 0x1.999999997fd7bp-3 0x1.24924941f4d2ep-3
    0x1.c71c52061ea12p-4 0x1.74663f9f5e20ap-4 0x1.39a1a712f1209p-4
    0x1.2f063502597d9p-4
""")
# (tanh(s) / s - 1) / s^2, of s^2
TANH_F32 = _floats(np.float32, """
    -0x1.55554c0000000p-2 0x1.110d3a0000000p-3 -0x1.b92ba80000000p-5
    0x1.5955f00000000p-6 -0x1.9bb6e40000000p-8
""")
TANH_F64 = _floats(np.float64, """
    -0x1.55555555554a4p-2 0x1.1111111103040p-3 -0x1.ba1ba1adbec7bp-5
    0x1.664f45d057406p-6 -0x1.226dde9cc0631p-7 0x1.d6c6464e640c4p-9
    -0x1.7cf53b169ba6fp-10 0x1.2faaf842b881ap-11 -0x1.b93e79d3a12ecp-13
    0x1.ac8d07aec3715p-15
""")
# (sin(s) / s - 1) / s^2, of s^2
SIN_F32 = _floats(np.float32, """
    -0x1.5555460000000p-3 0x1.11072e0000000p-7 -0x1.993d720000000p-13
""")
SIN_F64 = _floats(np.float64, """
    -0x1.5555555555548p-3 0x1.111111110f740p-7 -0x1.a01a019be89a1p-13
    0x1.71de3552cc55bp-19 -0x1.ae5e485c3865fp-26 0x1.5d8a16b8c93ecp-33
""")
# (cos(s) - 1 + s^2/2) / s^4, of s^2
COS_F32 = _floats(np.float32, """
    0x1.55554a0000000p-5 -0x1.6c0c580000000p-10 0x1.99f2ec0000000p-16
""")
COS_F64 = _floats(np.float64, """
    0x1.555555555554bp-5 -0x1.6c16c16c1502ap-10 0x1.a01a019c8f1f7p-16
    -0x1.27e4f7eff4a77p-22 0x1.1ee9d9a28e76cp-29 -0x1.8fa4da4a5ad70p-37
""")
# (arctan(s) / s - 1) / s^2, of s^2
ATAN_F32 = _floats(np.float32, """
    -0x1.55554a0000000p-2 0x1.9991ae0000000p-3 -0x1.23b6bc0000000p-3
    0x1.b202460000000p-4 -0x1.f256aa0000000p-5
""")
ATAN_F64 = _floats(np.float64, """
    -0x1.555555555553dp-2 0x1.99999999958eap-3 -0x1.24924922b11c9p-3
    0x1.c71c70e7a15d1p-4 -0x1.745cf90b0ab9cp-4 0x1.3b111c63d2e52p-4
    -0x1.10ebdd983eedcp-4 0x1.df11672da6552p-5 -0x1.9cdc255222d70p-5
    0x1.37ed3bbb8ec62p-5 -0x1.259d3d85c2dc3p-6
""")
# (arcsin(s) / s - 1) / s^2, of s^2
ASIN_F32 = _floats(np.float32, """
    0x1.5555ca0000000p-3 0x1.3301500000000p-4 0x1.748c3a0000000p-5
    0x1.8ba4120000000p-6 0x1.59d9500000000p-5
""")
ASIN_F64 = _floats(np.float64, """
    0x1.5555555555578p-3 0x1.333333332df80p-4 0x1.6db6db722602cp-5
    0x1.f1c71a8dc559ep-6 0x1.6e8bdfa64b849p-6 0x1.1c49e2bcd11abp-6
    0x1.ca20cdfd8d3e9p-7 0x1.757b7a5d51c54p-7 0x1.6173f25398f57p-7
    0x1.e2bea79a9d69cp-9 0x1.6492a42f7a9a8p-6 -0x1.59546dea6bfb7p-6
    0x1.0bb05ae4fa31ep-5
""")
# m^(-1/3)
RCBRT_F32 = _floats(np.float32, """
    0x1.8b62280000000p+0 -0x1.a1807c0000000p-1 0x1.493a360000000p-2
    -0x1.9feb3c0000000p-5
""")
RCBRT_F64 = _floats(np.float64, """
    0x1.c87601dc291f1p+0 -0x1.92b532c811e6ap+0 0x1.40ec54a2af3d0p+0
    -0x1.358fb1940a158p-1 0x1.444d2c7c5e408p-3 -0x1.1bd1c5e145c68p-6
""")
# erf(x) / x - 1, of x^2
ERF_F64 = _floats(np.float64, """
    0x1.06eba8214db69p-3 -0x1.812746b0379e6p-2 0x1.ce2f21a042b34p-4
    -0x1.b82ce31284f38p-6 0x1.565bcd0dbd939p-8 -0x1.c02db3db49dc3p-11
    0x1.f9a321e4c735fp-14 -0x1.f4d1e43610b26p-17 0x1.b9df30701769ep-20
    -0x1.5f1f41b08e97bp-23 0x1.f7b9a5ba9e68dp-27 -0x1.38ac3da44fd28p-30
    0x1.0627a6a8e5918p-34
""")
# (1 + 2a) e^(a^2) erfc(a), of (a - 4) / (a + 4)
ERFC_F64 = _floats(np.float64, """
    0x1.3ba5916e9fd7fp+0 -0x1.1df1ad154a28ep-3 0x1.f7f5df66fd75ep-7
    0x1.16ecefcfa52c4p-4 -0x1.9ddb23c3e8d81p-4 0x1.7fee004e14a09p-4
    -0x1.0fb06dfe4f2c3p-4 0x1.3079edf62354ap-5 -0x1.09623883bfb24p-6
    0x1.49c672a88bed8p-8 -0x1.8d4a9b45cc158p-11 -0x1.a1df43b9446b8p-13
    0x1.3be0590df472dp-13 -0x1.9954fbed9c67bp-16 -0x1.788a3c33d7c0dp-17
    0x1.7ef600a7b87d7p-18 0x1.3af7eb1a9706ep-22 -0x1.b805b98de06a6p-21
    0x1.42b37aae809c2p-24 0x1.bbd0e7448ac93p-24 -0x1.38c7471f3ece5p-26
    -0x1.4c8dd1d952806p-27 0x1.062729dfe2340p-29
""")
# (log2((1 + s) / (1 - s)) / s - c0 - c1 s^2) / s^4, of s^2
POW_LOG2 = _floats(np.float64, """
    0x1.2776c50ef9bfcp-1 0x1.a61762a7aefa4p-2 0x1.484b13d696db7p-2
    0x1.0c9a8543e526bp-2 0x1.c68ee53fc9840p-3 0x1.8a0a43a141cf3p-3
    0x1.58f2e4930e6bap-3 0x1.623b670db7c79p-3
""")
# log2((1 + s) / (1 - s)) / s, of s^2
POWF_LOG2 = _floats(np.float64, """
    0x1.71547652bee7bp+1 0x1.ec709d123e5a1p-1 0x1.2777804926afep-1
    0x1.a58d5fa424532p-2 0x1.5ceb10e69847ep-2
""")
# 2^r
POWF_EXP2 = _floats(np.float64, """
    0x1.ffffffff4f4f4p-1 0x1.62e430d04ab82p-1 0x1.ebfbe10d7716fp-3
    0x1.c6aecc52fd781p-5 0x1.3b299665319e5p-7 0x1.5f48c7e18bb67p-10
    0x1.4498b6384062cp-13
""")
# ln(2); n times the first piece is exact
LN2_F32 = _floats(np.float32, """
    0x1.62e4000000000p-1 0x1.7f7d1c0000000p-20
""")
LN2_F64 = _floats(np.float64, """
    0x1.62e42fefa4000p-1 -0x1.8432a1b0e2634p-43
""")
# log10(2), likewise
LOG10_2_F32 = _floats(np.float32, """
    0x1.3440000000000p-2 0x1.3509f80000000p-18
""")
LOG10_2_F64 = _floats(np.float64, """
    0x1.34413509f8000p-2 -0x1.80433b83b532ap-44
""")
# 1 / ln(2)
LOG2E_F32 = _floats(np.float32, """
    0x1.7154760000000p+0 0x1.4ae0c00000000p-26
""")
LOG2E_F64 = _floats(np.float64, """
    0x1.71547652b82fep+0 0x1.777d0ffda0d24p-56
""")
# 1 / ln(10)
LOG10E_F32 = _floats(np.float32, """
    0x1.bcb7b20000000p-2 -0x1.5b235e0000000p-27
""")
LOG10E_F64 = _floats(np.float64, """
    0x1.bcb7b1526e50ep-2 0x1.95355baaafad3p-57
""")
# pi/2
HALF_PI_F32 = _floats(np.float32, """
    0x1.921fb60000000p+0 -0x1.777a5c0000000p-25 -0x1.ee59da0000000p-50
""")
HALF_PI_F64 = _floats(np.float64, """
    0x1.921fb54442d18p+0 0x1.1a62633145c07p-54 -0x1.f1976b7ed8fbcp-110
""")
# pi/4
QUARTER_PI_F32 = _floats(np.float32, """
    0x1.921fb60000000p-1 -0x1.777a5c0000000p-26
""")
QUARTER_PI_F64 = _floats(np.float64, """
    0x1.921fb54442d18p-1 0x1.1a62633145c07p-55
""")
# 2/pi
TWO_OVER_PI_F32 = _floats(np.float32, """
    0x1.45f3060000000p-1
""")
TWO_OVER_PI_F64 = _floats(np.float64, """
    0x1.45f306dc9c883p-1
""")
# 2 / ln(2)
POW_C0 = _floats(np.float64, """
    0x1.71547652b82fep+1 0x1.777d0ffda0d24p-55
""")
# 2 / (3 ln(2))
POW_C1 = _floats(np.float64, """
    0x1.ec709dc3a03fdp-1 0x1.d27f05548af0cp-55
""")
# 2^(1/3), 2^(-1/3)
CBRT2 = _floats(np.float64, """
    0x1.428a2f98d728bp+0 0x1.965fea53d6e3dp-1
""")
