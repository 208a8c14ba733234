//! Arguments and results, as bits, of Go's algorithms: computed once from
//! their published description by a separate program, not by this crate.

use super::*;

type Function = fn(f64) -> f64;

/// Name, function, and pairs of argument and result.
type Row = (&'static str, Function, [(u64, u64); 8]);

const UNARY: &[Row] = &[
    (
        "ln",
        ln,
        [
            (0x3efa_ebcb_af2a_c0c0, 0xc025_23db_82c8_3272),
            (0x3e0b_6a52_0153_4d50, 0xc034_f2f4_e989_f05c),
            (0x40c0_bd31_c565_9375, 0x4022_1cb4_feb9_6b7c),
            (0x3d9f_c3c9_fc2d_a6d3, 0xc039_a760_ee57_2744),
            (0x4021_384d_568f_fd83, 0x4001_392e_41a5_d660),
            (0x3f34_bb73_fb4d_a5d3, 0xc020_1e09_5642_1814),
            (0x3d8a_b74e_99f2_a78b, 0xc03a_8522_f2ad_5e43),
            (0x3ff8_ff15_8b14_a008, 0x3fdc_8d9f_870e_1cc1),
        ],
    ),
    (
        "log2",
        log2,
        [
            (0x3d6f_3abf_6dcc_8940, 0xc044_0480_3a47_4290),
            (0x3f93_1c2a_4be2_0035, 0xc016_f997_a824_9381),
            (0x3d9b_3538_4457_a76b, 0xc042_9df5_3f2a_24f4),
            (0x3db7_c69a_76fb_2e9a, 0xc041_b6db_a7d5_70b5),
            (0x3f86_1ab0_c2d2_7bb3, 0xc01a_228e_b3be_0eba),
            (0x41b3_99ed_d76a_a09e, 0x403c_4af9_f1fd_0022),
            (0x3de5_a3f3_41a1_6dfe, 0xc040_483c_61b5_791e),
            (0x3e70_7c31_a9b8_0a74, 0xc037_f4f7_d14d_b8e2),
        ],
    ),
    (
        "log10",
        log10,
        [
            (0x40a0_587d_e1f3_f78d, 0x400a_909d_6697_d842),
            (0x425a_fde5_5a4e_c1f0, 0x4027_551e_e70b_236b),
            (0x4059_87dd_78be_3f85, 0x4000_12af_22be_c842),
            (0x3f60_a38d_5042_af1c, 0xc005_89c2_bf88_9e24),
            (0x4282_b4d0_6e77_7995, 0x4028_d1f8_58c3_bda2),
            (0x3d7a_ef6e_35dc_5b52, 0xc027_a147_7801_2697),
            (0x41e0_5505_c268_ec42, 0x4022_ae84_356b_1ffd),
            (0x3ecb_a190_767d_a6c4, 0xc015_eddd_d6aa_dfdf),
        ],
    ),
    (
        "log1p",
        log1p,
        [
            (0x3dde_2dad_0674_1dfe, 0x3dde_2dad_066d_0085),
            (0x4070_0000_0000_44b8, 0x4016_3241_004e_a12e),
            (0x3eca_ed8b_7dca_35f6, 0x3eca_ed88_a8ad_da88),
            (0x40a0_0000_0000_112e, 0x401e_801c_1698_be8f),
            (0x4090_0000_0000_0000, 0x401b_bad3_9ebe_1cc1),
            (0xbfe5_7142_c9f1_601a, 0xbff1_be05_e120_be07),
            (0x3ee2_62de_f65e_b3bb, 0x3ee2_62d9_ae2a_913f),
            (0x40b0_0000_0000_0897, 0x4020_a2d2_3e3b_b730),
        ],
    ),
    (
        "exp",
        exp,
        [
            (0xc004_e147_c1a2_cfd0, 0x3fb2_d328_be92_424b),
            (0xbff2_4716_d03c_052a, 0x3fd4_6b95_e34c_960b),
            (0x3ff1_6615_b5dc_f3f0, 0x4007_bba2_f0f0_7657),
            (0x4072_f476_6c98_374e, 0x5b47_3f45_e126_1b49),
            (0xbfed_5fff_6775_5f98, 0x3fd9_8e9d_3078_4a4d),
            (0xbfeb_c03a_63f7_82c8, 0x3fda_e33e_34c4_45ff),
            (0xbfa3_6007_e95c_8b80, 0x3fee_cfca_52d8_ca88),
            (0xc072_9986_5c55_d8ef, 0x2519_4b4d_f0ea_b30d),
        ],
    ),
    (
        "exp2",
        exp2,
        [
            (0x407d_cba0_ce3e_7598, 0x5dba_7a8a_a43e_6ee0),
            (0xc069_868c_6f48_6704, 0x332b_c4a2_df54_6d7d),
            (0x408a_0d0f_432e_d80c, 0x7408_cd9c_43b7_7a94),
            (0xc01b_f247_c76b_3080, 0x3f80_2637_4d4f_b203),
            (0xc084_da23_b4fd_a00e, 0x163a_95e0_0181_61ef),
            (0xc068_96c4_8114_7b10, 0x33a3_8ac6_3c74_15c4),
            (0xc07b_c525_d732_76f6, 0x2429_9a76_2d10_a5fa),
            (0xc086_b12e_84a9_70ba, 0x128c_e2c0_7cce_631f),
        ],
    ),
    (
        "sin",
        sin,
        [
            (0x40f8_8571_b090_5440, 0x3fe5_e2aa_fb88_e33f),
            (0x400d_3c56_25af_1138, 0xbfdf_6747_c520_e356),
            (0xc120_5c2c_8860_75aa, 0x3fef_765e_ca51_4d92),
            (0x401a_7ccb_cfe4_27fc, 0x3fd5_438c_eb91_cdbc),
            (0xbff9_efe7_129d_c9e0, 0xbfef_f5a6_5863_281a),
            (0x4310_797b_09e4_760c, 0xbfe9_356c_72aa_8bfa),
            (0x446f_777a_278f_3a6f, 0x3fe0_b87b_f098_b26d),
            (0x4017_d471_0797_bc54, 0xbfd4_7ac7_097e_fe49),
        ],
    ),
    (
        "cos",
        cos,
        [
            (0xbfd7_a69a_5a83_7fe0, 0x3fed_d6fa_0aee_92c8),
            (0xbff2_ffd8_d182_03f0, 0x3fd7_efd9_9d41_3c66),
            (0xc125_48fc_4558_8aa9, 0x3fdb_255b_6a6c_3e1c),
            (0xc12a_39d1_b204_d1d1, 0x3fd3_cbc8_91ce_f6e7),
            (0xc11e_3df1_f292_33fc, 0x3fd5_cc35_deb0_6cae),
            (0xc127_7a19_ef81_2b8b, 0x3fc6_ce2e_e0cc_c4c3),
            (0x4080_a613_ebc9_343b, 0x3fd0_7066_f5a9_d496),
            (0xc009_2da2_d531_66dc, 0xbfef_ffde_0b5a_8af8),
        ],
    ),
    (
        "tan",
        tan,
        [
            (0x3fd4_e87e_c3b2_0020, 0x3fd5_af68_be3a_3b38),
            (0x4332_d236_f3bd_b6f4, 0x3fe0_c46f_990f_06b3),
            (0x41a4_b4a4_db8e_5790, 0x3fe1_dc8f_48cb_c438),
            (0x410b_a4c3_90a4_ee78, 0x3ffa_3086_a3a2_4f51),
            (0x5144_395c_2425_653c, 0x3fd3_5e2c_69a4_0488),
            (0x3fe0_019b_fc04_1b36, 0x3fe1_7d66_5b37_ada0),
            (0x4194_e076_1b88_87cd, 0x3faf_cede_6871_394a),
            (0xc110_8620_eac7_65e0, 0xc026_8ded_3968_ea20),
        ],
    ),
    (
        "asin",
        asin,
        [
            (0xbfd4_c504_acba_e300, 0xbfd5_2711_84f4_8c07),
            (0xbfa1_c355_301e_97c0, 0xbfa1_c43e_d7b4_e6a5),
            (0x3fef_0e51_cf33_d4da, 0x3ff5_3c92_0ddd_d200),
            (0x3fcc_3a23_dae4_d908, 0x3fcc_7607_786f_b7b9),
            (0xbfef_e0bb_f42a_09d8, 0xbff7_bc01_a9c3_083b),
            (0x3fea_3051_d539_4c8c, 0x3fee_ad00_7029_9803),
            (0xbfd3_f794_f334_a8c4, 0xbfd4_4e5c_c3aa_8330),
            (0x3fd2_522f_715b_40ac, 0x3fd2_94ba_7e10_67ef),
        ],
    ),
    (
        "acos",
        acos,
        [
            (0x3fe5_6ae2_d548_e120, 0x3fea_cd12_9a9c_764c),
            (0xbfe8_537f_b8b8_c6c4, 0x4003_79a9_e0e8_1db0),
            (0xbfcc_88eb_e6f7_5ff8, 0x3ffc_bad5_9f3a_9119),
            (0x3fdb_1233_bc00_9348, 0x3ff2_251a_456a_f3d7),
            (0xbfe3_3e59_d42c_fd2c, 0x4001_ba5e_373c_8043),
            (0x3fe8_e58e_696d_9cca, 0x3fe5_bcb4_3956_253d),
            (0xbfc0_ea49_46bf_6710, 0x3ffb_40db_02b4_da95),
            (0x3fd1_6347_2551_fd8c, 0x3ff4_baff_1c85_18d2),
        ],
    ),
    (
        "atan",
        atan,
        [
            (0xc020_87ae_73fe_f223, 0xbff7_34cb_a040_3078),
            (0x4021_d8bb_aedb_b8a8, 0x3ff7_58dd_c8b3_7510),
            (0x4011_bef8_71f5_58b6, 0x3ff5_95e7_f4d6_c287),
            (0xbfe7_93c6_efe3_9920, 0xbfe4_51db_ac4c_65d0),
            (0x4013_77dd_0f77_cce2, 0x3ff5_e3f4_c627_d74a),
            (0xc020_9a6d_4860_41f9, 0xbff7_36f3_1d11_783e),
            (0xc01b_4aa0_ca4c_ca68, 0xbff6_cde4_8d8f_a21f),
            (0x4023_b978_74a2_9bee, 0x3ff7_8413_4177_6fda),
        ],
    ),
    (
        "sinh",
        sinh,
        [
            (0x4015_cb82_0325_4398, 0x405d_0ebb_1fe4_dfd2),
            (0x4022_b3f6_ae31_4f30, 0x40b6_7dfe_23d3_0ed9),
            (0x3fbd_738b_3271_9978, 0x3fbd_842f_9b85_c18b),
            (0x403a_3f80_3f20_c84c, 0x423d_3362_fc02_a385),
            (0x4007_2d54_5fdb_e970, 0x4022_1123_4155_6a11),
            (0x4031_f61f_aac8_1bf0, 0x417e_1fcd_b15a_0255),
            (0xbfde_81d1_b7be_aca8, 0xbfdf_acf3_c926_d364),
            (0xbfdb_b49e_88a2_ab82, 0xbfdc_943b_7df5_70ee),
        ],
    ),
    (
        "cosh",
        cosh,
        [
            (0x403d_3166_2c09_bf14, 0x4281_589f_5dfb_3351),
            (0xc032_4fc9_d54d_c82c, 0x4185_612b_19aa_65c3),
            (0x4036_6f35_9195_3386, 0x41e4_9ede_fb39_63e1),
            (0xc03c_5204_311c_7a28, 0x426c_fe61_fa57_5467),
            (0xc031_3bb3_cfcd_8108, 0x416d_161a_c25f_e597),
            (0x3fb1_d8da_cdd5_eb00, 0x3ff0_09f5_2e49_6995),
            (0x402f_a43e_33cb_eb30, 0x414c_560c_e398_9a9f),
            (0xc024_e19b_c41c_0a0c, 0x40d0_b5d3_340a_f01b),
        ],
    ),
    (
        "tanh",
        tanh,
        [
            (0x3fd1_080d_e41c_d380, 0x3fd0_a3f7_0df5_1486),
            (0x4000_0a96_8ec9_5444, 0x3fee_dc4a_9315_693d),
            (0xc005_139a_ee8a_36bd, 0xbfef_ac16_4886_c2ff),
            (0x3ff7_0853_043e_d310, 0x3fec_9866_71d7_77a7),
            (0x4003_16fc_9cbf_bc3a, 0x3fef_768f_5339_a31f),
            (0x3fef_31f6_7e00_1848, 0x3fe8_06c7_3369_5a28),
            (0x3ffe_3e98_8ad9_ffec, 0x3fee_929e_4877_a092),
            (0x3fb9_bea1_10c2_b880, 0x3fb9_a880_3e6b_bbe3),
        ],
    ),
    (
        "asinh",
        asinh,
        [
            (0x400a_2bd2_192d_5db0, 0x3ffe_6a46_218a_2548),
            (0x3fce_16a3_51b0_0180, 0x3fcd_d168_e77f_dfe0),
            (0x3ff1_5e65_e414_2260, 0x3fee_194e_bfe6_5d50),
            (0x4126_8508_2967_f19b, 0x402c_68d4_20bd_bc55),
            (0x3ffd_2c4a_ee5d_f204, 0x3ff5_c98d_6a77_e8aa),
            (0x400e_a881_719a_5bac, 0x4000_6cf9_8763_505d),
            (0x4005_c7e8_44fa_3a58, 0x3ffb_a148_ecc4_a0bc),
            (0x41d4_cb10_7ec0_4e33, 0x4035_bfe5_d7af_9a52),
        ],
    ),
    (
        "acosh",
        acosh,
        [
            (0x3ff0_0000_03f1_c888, 0x3f26_7844_727d_c7a8),
            (0x3ff0_0001_a394_6698, 0x3f5c_f7de_d744_7801),
            (0x4005_0ce0_32b6_253c, 0x3ff9_f547_e825_5eaf),
            (0x4198_5957_c862_4484, 0x4033_2287_37b7_b454),
            (0x4004_bccf_0de2_fafc, 0x3ff9_b2e8_7c8f_3200),
            (0x3ff0_0000_4757_418c, 0x3f47_e3cf_ab41_2020),
            (0x4014_19d2_dac6_e45a, 0x4002_616a_3884_b494),
            (0x41f7_58e2_e66d_4c9d, 0x4037_4072_6a09_7dd7),
        ],
    ),
    (
        "atanh",
        atanh,
        [
            (0x3feb_613a_4213_a51e, 0x3ff4_6d99_43f2_5367),
            (0x3feb_0ee5_8479_e25e, 0x3ff3_d8a9_35e2_741f),
            (0x3fe9_22e5_9f8b_cf96, 0x3ff0_f41c_d845_f3e9),
            (0xbfe3_08ca_2147_ae32, 0xbfe5_ec50_65ac_d715),
            (0xbfba_dd94_b739_3080, 0xbfba_f6ff_3cf2_8e86),
            (0xbfc5_5746_1c1b_ac48, 0xbfc5_8ac1_d2be_3089),
            (0xbfcb_8e02_11da_2b30, 0xbfcb_fe1b_5951_3419),
            (0xbfd7_8df9_5ed6_d9e8, 0xbfd8_b6c1_c275_5dc0),
        ],
    ),
];

/// Both arguments of `pow`, and its result.
const POW: [(u64, u64, u64); 8] = [
    (0x40dc_289e_13e9_2bd6, 0xbff6_ee7e_dd13_3e50, 0x3e9b_358f_4f32_8e71),
    (0x4214_a385_5cc1_e3ce, 0xc01b_a4ee_e29a_de3b, 0x3116_6636_be1b_5bd8),
    (0x4276_2f33_8f58_db0d, 0xc03c_0000_0000_0000, 0x0000_0000_0000_0000),
    (0x3e1c_1203_7548_9829, 0xc028_0000_0000_0000, 0x55d3_4522_5a2f_e0c7),
    (0x429b_3dfa_d50c_e5c7, 0x402a_0000_0000_0000, 0x62af_949e_92a1_78a3),
    (0x3db9_fc38_de53_f772, 0x4008_0000_0000_0000, 0x3951_2285_b691_ac8f),
    (0x4108_00b5_6a30_9594, 0x3fe3_f735_e92e_8b85, 0x409f_61a3_b841_79bf),
    (0x426d_8eac_8e01_9cca, 0xc01e_f8d5_3626_2fda, 0x2ca1_f697_ebc5_ac0a),
];

/// Both arguments of `atan2`, and its result.
const ATAN2: [(u64, u64, u64); 8] = [
    (0xc020_a336_6eac_13e7, 0xc012_3f11_ab9a_a77d, 0xc000_9437_4011_217e),
    (0x4020_3c67_0ee5_1de0, 0xc019_79d3_d74b_a873, 0x4001_e36c_57cd_b78f),
    (0x4014_764d_bf4b_a988, 0x4019_9509_d838_f880, 0x3fe5_96c5_4992_336e),
    (0x401b_f78f_071d_3828, 0x400c_27e1_5461_2c1c, 0x3ff1_abd6_90c7_8992),
    (0x4021_d70e_554b_0500, 0xbffe_18c1_0206_78e8, 0x3ffc_7544_8ece_3dc9),
    (0x3fe7_6c5c_b988_a1e0, 0x3fd2_ebf7_fb4b_9160, 0x3ff2_fda4_c5ba_f5f1),
    (0xbfbb_961a_3fbb_9b00, 0xc00b_ac17_e235_f418, 0xc008_e233_7848_a4db),
    (0xc011_accd_d76c_bb6f, 0x4017_f78d_96e1_ce68, 0xbfe4_557c_b0cb_3fa6),
];

#[test]
fn results_have_go_s_bits() {
    for (name, function, pairs) in UNARY {
        for (x, expected) in *pairs {
            let x = f64::from_bits(x);
            let actual = function(x).to_bits();
            assert_eq!(actual, expected, "{name}({x:e}): {actual:#x}, not {expected:#x}");
        }
    }
    for (function, rows) in [(pow as fn(f64, f64) -> f64, POW), (atan2, ATAN2)] {
        for (x, y, expected) in rows {
            let (x, y) = (f64::from_bits(x), f64::from_bits(y));
            assert_eq!(function(x, y).to_bits(), expected, "of {x:e} and {y:e}");
        }
    }
}
