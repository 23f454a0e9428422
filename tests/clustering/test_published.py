"""Figures worked out from the papers' equations, pixel by pixel, on one image of 5 x 5 integers.

Two centres, 0 and 5, q = 2. Each figure follows from the lines above it with pencil and paper;
indices are rows and columns from 0. No paper prints a worked example; its equations have to do.
"""

import numpy as np
from numpy.testing import assert_allclose

from fuzzyseg.clustering import (
    FCM,
    FCM_S,
    FCM_S1,
    FCM_S2,
    FGFCM,
    FLICM,
    KFCM,
    KFCM_S,
    PCM,
    RFCM,
    RFCM_CT,
    SFCM,
    EnFCM,
)
from fuzzyseg.clustering.image import as_points

IMAGE = np.array(
    [[0, 0, 1, 0, 0], [0, 2, 4, 1, 0], [1, 4, 8, 5, 0], [0, 1, 5, 3, 1], [0, 0, 0, 1, 0]], float
)
FIXED = {"n_clusters": 2, "init": [0.0, 5.0], "move_centres": False, "max_iter": 1}


def upper(model):
    """Memberships in the class at 5."""
    return model.set_params(**FIXED).fit(IMAGE).memberships_[1]


def filtered(model):
    return model._filtered(as_points(IMAGE, None, None)).image[0]


def test_fcm():
    """u_1 = 1 / (1 + d_1 / d_0): of 8, 64 / (64 + 9); of 2, 4 / (4 + 9); of 1, 1 / (1 + 16)."""
    assert_allclose(upper(FCM())[2, 2], 64 / 73)
    assert_allclose(upper(FCM())[1, 1], 4 / 13)
    assert_allclose(upper(FCM())[0, 2], 1 / 17)


def test_enfcm_weighted_image():
    """xi = (y + alpha mean) / (1 + alpha), alpha = 3 (Szilagyi 2003).

    At (2, 2) the neighbours 2 4 1 4 5 1 5 3 have the mean 25 / 8; at the corner 0 0 2: 2 / 3.
    """
    xi = filtered(EnFCM(alpha=3.0))
    assert_allclose(xi[2, 2], (8 + 3 * 25 / 8) / 4)
    assert_allclose(xi[0, 0], 3 * (2 / 3) / 4)


def test_fgfcm_similarities():
    """S = exp(-1/3 - (y_l - y_j)^2 / (6 sigma^2)), lambda_s = 3, lambda_g = 6 (Cai 2007).

    At (2, 2) the squares are 36 16 49 16 9 49 9 25, so sigma^2 = 209 / 8 = 26.125, and the S are
    0.569499, 0.647001, 0.524173, 0.647001, 0.676550, 0.524173, 0.676550, 0.610899.
    """
    s = [0.569499, 0.647001, 0.524173, 0.647001, 0.676550, 0.524173, 0.676550, 0.610899]
    y = [2, 4, 1, 4, 5, 1, 5, 3]
    assert_allclose(filtered(FGFCM())[2, 2], np.dot(s, y) / np.sum(s), rtol=1e-6)
    assert_allclose(filtered(FGFCM())[2, 2], 3.273595, rtol=1e-6)


def test_fcm_s():
    """alpha = 1. At (2, 2): costs 64 + 97 / 8 and 9 + 47 / 8 (sums of y^2 and (y - 5)^2 beside)."""
    assert_allclose(upper(FCM_S())[2, 2], (64 + 97 / 8) / (64 + 97 / 8 + 9 + 47 / 8))


def test_fcm_s1_and_s2():
    """alpha = 1. At (2, 2) the window's mean is 33 / 9 and its median 4."""
    costs = [64 + (33 / 9) ** 2, 9 + (33 / 9 - 5) ** 2]
    assert_allclose(upper(FCM_S1())[2, 2], costs[0] / sum(costs))
    assert_allclose(upper(FCM_S2())[2, 2], (64 + 16) / (64 + 16 + 9 + 1))


def test_flicm():
    """G_k = sum (1 - u_lk)^2 (y_l - v_k)^2 / (1 + d_jl) (Krinidis and Chatzis 2010).

    At (2, 2): G_0 = 41.119494 and G_1 = 13.688384; at (0, 0): 0.156862 and 26.786756.
    """
    found = upper(FLICM())
    assert_allclose(found[2, 2], (64 + 41.119494) / (64 + 41.119494 + 9 + 13.688384), rtol=1e-6)
    assert_allclose(found[0, 0], 0.156862 / (0.156862 + 25 + 26.786756), rtol=1e-5)
    assert_allclose(found[1, [1, 2]], [0.40705751, 0.59936630], rtol=1e-6)


def test_sfcm():
    """h = sum of u over 3 x 3 (Chuang 2006): at (2, 2) h = 3.123288, 5.876712; p = q = 1."""
    ours = upper(SFCM(window=3))[2, 2]
    u, h = [9 / 73, 64 / 73], [3.123288, 5.876712]
    assert_allclose(ours, u[1] * h[1] / (u[0] * h[0] + u[1] * h[1]), rtol=1e-6)
    assert_allclose(ours, 0.93045954, rtol=1e-6)


def test_pcm():
    """eta_k = sum u^2 d / sum u^2 (Krishnapuram and Keller 1993) of the start, K = 1."""
    model = PCM()
    ours = upper(model)[2, 2]
    assert_allclose(model.eta_, [0.51184441, 2.29614633], rtol=1e-6)
    assert_allclose(ours, 1 / (1 + 9 / 2.29614633), rtol=1e-6)


def test_kfcm():
    """K = exp(-d / sigma^2), sigma = 4: of 8, exp(-4) and exp(-9 / 16)."""
    far, near = 1 - 0.01831564, 1 - 0.56978282
    assert_allclose(upper(KFCM(sigma=4.0))[2, 2], far / (far + near), rtol=1e-6)


def test_kfcm_s():
    """alpha / 8 sum (1 - u_l)^2 on top, with the memberships of fuzzy c-means beside."""
    assert_allclose(
        upper(KFCM_S(sigma=4.0, alpha=0.5))[[2, 1, 0], [2, 2, 0]],
        [0.68472964, 0.71069701, 0.00622033],
        rtol=1e-5,
    )


def rfcm_figures(gamma):
    """Costs at (2, 2): d + 2 beta sum of the other class's u^2 + gamma z, or gamma (1 - z)."""
    y = np.array([2, 4, 1, 4, 5, 1, 5, 3])
    u = y**2 / (y**2 + (y - 5) ** 2)
    costs = [64 + 2 * (u**2).sum() + gamma / 4, 9 + 2 * ((1 - u) ** 2).sum() + 3 * gamma / 4]
    return costs[0] / sum(costs)


def test_rfcm():
    """beta = 1 and 8 neighbours (Pham 2001)."""
    ours = upper(RFCM(beta=1.0, neighbours="all"))
    assert_allclose(ours[2, 2], rfcm_figures(0.0))


def test_rfcm_ct():
    """beta = 1, gamma = 4, where the CT shows bone by a quarter: z = 1 / 4."""
    model = RFCM_CT(beta=1.0, gamma=4.0, neighbours="all", channel_axis=0, **FIXED)
    ours = model.fit(np.stack([IMAGE, np.full((5, 5), 0.25)])).memberships_[1]
    assert_allclose(ours[2, 2], rfcm_figures(4.0))
    assert_allclose(ours[2, 2], 0.815230459741872)
