"""Physical constants of Tc-99m."""

HALF_LIFE_S = 21624.12  # 6.0067 h, DDEP, Table of Radionuclides vol. 1 (BIPM 2004)
GAMMA_KEV = 140.5  # ICRP Publication 107
