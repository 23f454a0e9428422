"""Named populations: all that is drawn about disease and uptake.

A body's size and pose are drawn by `phantom.anatomy.habitus`, the shapes of findings lie in
`phantom.disease.finding_places`; how often, how many and how bright is here.
"""

from __future__ import annotations

from dataclasses import replace

from fuzzyseg.simulation.laws import LogNormal, Normal, Uniform
from fuzzyseg.simulation.phantom.ct.ct_settings import CT
from fuzzyseg.simulation.phantom.dense.dense_settings import DENSE, NO_DENSE_SETTINGS
from fuzzyseg.simulation.population_laws import (
    Chance,
    Density,
    LesionLaws,
    Population,
    UptakeLaws,
)
from fuzzyseg.tables import entry_of

# 2,000 lesions of 102 men (Wang and Shen, Nucl Med Commun 2012;33:379): ribs 28.9%, thoracic
# spine 14.8%, ilium 13.8%, lumbar spine 8.0%, and 912 (45.6%) outside vertebrae and pelvis. What
# that leaves open is shared out by us. 98.8% of patients with lesions in ribs had vertebral ones.
_MANY = {
    "rib": 28.9, "T": 14.8, "hip": 21.0, "L": 8.0, "sacrum": 6.6, "C": 4.0, "sternum": 3.1,
    "scapula": 3.9, "clavicle": 1.6, "humerus": 2.0, "femur": 3.5, "skull": 2.6,
}  # fmt: skip
# In men with few lesions 84.5% were in vertebrae and pelvis (same source).
_FEW = {
    "hip": 38.0, "L": 18.0, "T": 15.0, "sacrum": 10.0, "C": 3.5, "rib": 8.0, "sternum": 1.5,
    "scapula": 1.5, "clavicle": 0.5, "humerus": 0.8, "femur": 2.2, "skull": 1.0,
}  # fmt: skip
# Normal concentration by bone. Humerus over spine 0.28 (mean SUV 0.85 and 3.04 at 3 h: Nautiyal
# et al., Indian J Nucl Med 2021;36:398), spine and pelvis alike (ibid.), femur above humerus
# (Kaneta et al., Am J Nucl Med Mol Imaging 2016;6:262); small bones are ours.
_BY_REGION = {
    "L": 1.25, "T": 1.15, "C": 1.05, "sacrum": 1.1, "coccyx": 0.7, "hip": 1.1, "rib": 0.75,
    "sternum": 0.95, "skull": 0.65, "mandible": 0.7, "clavicle": 0.7, "scapula": 0.75,
    "humerus": 0.34, "forearm": 0.32, "hand": 0.4, "femur": 0.42,
}  # fmt: skip
_CLINICAL_LESIONS = LesionLaws(
    none_share=0.12,
    mean_count=9.0,
    diameter_mm=LogNormal(16.0, 0.5, 5.0, 40.0),
    # With the least contrast below, over all sites: mean 4.5, the paper's, and coefficient of
    # variation 0.71, that of 264 metastases (BMC Musculoskelet Disord 2019, s12891-019-3001-6).
    to_bone=LogNormal(1.9, 0.89, 1.3, 30.0),
    over_region=1.5,
    # Osteoblastic metastases 654 +- 176 HU (Ulano et al., AJR 2016;207:362). Of 68 operated men
    # 29.1% had lytic or mixed ones (Cheville et al. 2002); operated bones lean to lysis, hence
    # 24% here. How many CT shows nothing of is our setting.
    kinds={
        "sclerotic": Density(0.58, Normal(654.0, 176.0, 320.0, 1150.0)),
        "isodense": Density(0.18),
        "mixed": Density(0.16, Normal(600.0, 176.0, 320.0, 1100.0)),
        "lytic": Density(0.08, Uniform(20.0, 130.0)),
    },
    ct_extent=Uniform(0.65, 1.15),
    many=_MANY,
    few=_FEW,
)
_CLINICAL_UPTAKE = UptakeLaws(
    # HMDP: about 27% in the skeleton from 3 h on; women 24.1%, men 26.9%; 48% in metabolic bone
    # disease (Brenner et al., Eur J Nucl Med 1997;24, PMID 9323270).
    bone_share=Normal(0.262, 0.03, 0.19, 0.34),
    # Urine has taken 35 to 45% by 3 h (Subramanian et al., J Nucl Med 1975;16:744).
    retained=Uniform(0.52, 0.66),
    by_region=_BY_REGION,
    kidney=Uniform(3.5, 9.0),
    # Hydration and the time since voiding make urine vary most.
    bladder=LogNormal(21.0, 0.5, 8.0, 60.0),
    organ_spread=0.12,
    superscan=0.05,
    superscan_bone_share=Normal(0.48, 0.05, 0.38, 0.56),
)
_SI = Uniform(1.1, 1.6)
_WEAR = Uniform(1.2, 2.4)
_ARTHRITIS = Uniform(1.2, 3.2)
# Shares and gains of benign findings are set by us to look like clinical scans; no publication
# counts them together.
_CLINICAL_FINDINGS: dict[str, Chance] = {
    "sacro-iliac": Chance(1.0, _SI, (0.0, 0.25)),
    "sternoclavicular": Chance(0.7, Uniform(1.1, 2.2), (0.0, 0.2)),
    "manubriosternal": Chance(0.3, Uniform(1.1, 1.8)),
    "acromioclavicular": Chance(0.4, _WEAR, (0.0, 0.3), True),
    "glenohumeral": Chance(0.35, Uniform(1.3, 3.0), (0.0, 0.3), True),
    "hip": Chance(0.3, Uniform(1.3, 3.0), (0.1, 0.5), True),
    "symphysis": Chance(0.25, _WEAR, (0.0, 0.4), True),
    "trochanter": Chance(0.12, _WEAR),
    "elbow": Chance(0.25, Uniform(1.3, 3.0), (0.0, 0.3), True),
    "wrist": Chance(0.3, Uniform(1.4, 4.0), (0.0, 0.3), True),
    "hand": Chance(0.3, Uniform(1.4, 4.0), (0.0, 0.3), True),
    "facet": Chance(0.2, _ARTHRITIS, (0.1, 0.6), True),
    "endplate": Chance(0.12, Uniform(1.2, 2.4), (0.1, 0.6), True),
    "costovertebral": Chance(0.06, _ARTHRITIS, (0.0, 0.3), True),
    "severe arthritis": Chance(0.05, Uniform(2.5, 6.0), (0.2, 0.7), True),
    "rib fractures": Chance(0.08, Uniform(1.6, 5.0)),
    "vertebral compression": Chance(0.08, Uniform(1.6, 4.0), (0.1, 0.4)),
    "dental": Chance(0.35, Uniform(1.4, 4.0)),
    "sinus": Chance(0.2, Uniform(1.3, 2.6)),
    "renal pelvis": Chance(0.45, Uniform(1.5, 4.0)),
    "ureter": Chance(0.2, Uniform(8.0, 40.0)),
    "bladder rim": Chance(0.12, Uniform(0.15, 0.6)),
    "bladder layer": Chance(0.3, Uniform(1.3, 2.5)),
    "urine on skin": Chance(0.12, Uniform(8.0, 60.0)),
    "injection site": Chance(0.12, Uniform(10.0, 120.0)),
    "thyroid": Chance(0.04, Uniform(2.0, 6.0)),
    "stomach": Chance(0.04, Uniform(1.5, 4.0)),
}
_CLINICAL = Population(
    "clinical",
    "referred for suspected metastases, mostly of the prostate",
    _CLINICAL_LESIONS,
    _CLINICAL_UPTAKE,
    _CLINICAL_FINDINGS,
)
# Against "clinical": fewer patients without and more lesions in the others; smaller and fainter
# ones; half as many sclerotic, as in mixed primaries; lower skeletal uptake, as in women and in
# osteoporosis, with brighter kidneys and fuller bladders; more wear, fractures, and urine.
_ELSEWHERE = Population(
    "elsewhere",
    "another hospital's: mixed primaries, older patients, fainter and more numerous lesions",
    replace(
        _CLINICAL_LESIONS,
        none_share=0.08,
        mean_count=13.0,
        diameter_mm=LogNormal(14.0, 0.5, 5.0, 40.0),
        # Mean 3.9, coefficient of variation 0.64.
        to_bone=LogNormal(1.8, 0.8, 1.3, 25.0),
        over_region=1.4,
        kinds={
            "sclerotic": Density(0.35, Normal(560.0, 180.0, 300.0, 1150.0)),
            "isodense": Density(0.22),
            "mixed": Density(0.23, Normal(560.0, 180.0, 300.0, 1100.0)),
            "lytic": Density(0.20, Uniform(10.0, 130.0)),
        },
        ct_extent=Uniform(0.55, 1.25),
    ),
    replace(
        _CLINICAL_UPTAKE,
        bone_share=Normal(0.235, 0.035, 0.16, 0.33),
        kidney=Uniform(5.0, 13.0),
        bladder=LogNormal(28.0, 0.5, 8.0, 70.0),
        organ_spread=0.2,
        superscan=0.08,
    ),
    {
        name: replace(chance, probability=min(1.0, 1.4 * chance.probability))
        for name, chance in _CLINICAL_FINDINGS.items()
    },
    dense=replace(DENSE, age_years=(72.0, 9.0), hip=0.2, spine=0.15, osteophytes=0.8),
    ct=replace(CT, noise_hu=(12.0, 45.0), slice_mm=(3.0, 6.0), shift_mm=3.5, breath_mm=7.0),
    wear=(0.7, 2.1),
)
# The scans of "clinical", lesions left out: whatever a model finds here is false.
_NO_LESIONS = replace(
    _CLINICAL,
    name="no-lesions",
    about="as clinical, but nobody has a lesion: to count false ones",
    lesions=replace(_CLINICAL_LESIONS, none_share=1.0),
)
# Chen et al., Med Phys 2021;48:3860.
_PAPER = Population(
    "paper",
    "as in Chen et al. 2021: one body, deformed; bone and lesions alone, every lesion sclerotic",
    LesionLaws(
        none_share=0.0,
        mean_count=9.0,
        diameter_mm=LogNormal(16.0, 0.5, 5.0, 40.0),
        to_bone=Uniform(4.0 * 0.5, 4.0 * 1.75),
        over_region=0.0,
        # 1.13 to 1.27 times the attenuation of cortical bone, (1 + HU / 1000) times 2.33.
        kinds={"sclerotic": Density(1.0, Uniform(1634.0, 1960.0))},
        ct_extent=Uniform(1.0, 1.0),
        many=_MANY,
        few=_FEW,
        whole_bone=True,
    ),
    UptakeLaws(retained=Uniform(0.52, 0.66), bone_to_soft=Uniform(8.0, 13.0)),
    dense=NO_DENSE_SETTINGS,
    ct=replace(CT, fixed_shift_mm=0.0, hardening=(0.0, 0.0), cupping=(0.0, 0.0), couch=0.0),
    attenuation="true",
    anatomy=69,  # a man of 178 cm and 79 kg, arms down
)
POPULATIONS: dict[str, Population] = {
    p.name: p for p in (_CLINICAL, _ELSEWHERE, _PAPER, _NO_LESIONS)
}


def get_population(name: str) -> Population:
    """Return a population by its name.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    return entry_of(POPULATIONS, name, "population")
