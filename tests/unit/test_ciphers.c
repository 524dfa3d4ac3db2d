// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "crypt/cipher.h"
#include "crypt/hkdf.h"
#include "crypt/polyval.h"
#include "crypt/siphash.h"
#include "hex.h"

#define NR(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT_MAX 2048

/* Published answers, in hexadecimal. */
static const struct vector {
	enum fscrypt_mode mode;
	const char *key, *iv, *plain, *cipher;
} vectors[] = {
	/* IEEE 1619-2007, vector 10 */
	{ FSCRYPT_AES_256_XTS,
		"27182818284590452353602874713526624977572470936999595749669676273141592653589793"
		"238462643383279502884197169399375105820974944592",
		"ff000000000000000000000000000000",
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627"
		"28292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f"
		"505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f7071727374757677"
		"78797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
		"a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7"
		"c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef"
		"f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff000102030405060708090a0b0c0d0e0f1011121314151617"
		"18191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
		"404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f6061626364656667"
		"68696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f"
		"909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7"
		"b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
		"e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
		"1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b5d31e276f8fe4a8d"
		"66b317f9ac683f44680a86ac35adfc3345befecb4bb188fd5776926c49a3095eb108fd1098baec70"
		"aaa66999a72a82f27d848b21d4a741b0c5cd4d5fff9dac89aeba122961d03a757123e9870f8acf10"
		"00020887891429ca2a3e7a7d7df7b10355165c8b9a6d0a7de8b062c4500dc4cd120c0f7418dae3d0"
		"b5781c34803fa75421c790dfe1de1834f280d7667b327f6c8cd7557e12ac3a0f93ec05c52e0493ef"
		"31a12d3d9260f79a289d6a379bc70c50841473d1a8cc81ec583e9645e07b8d9670655ba5bbcfecc6"
		"dc3966380ad8fecb17b6ba02469a020a84e18e8f84252070c13e9f1f289be54fbc481457778f6160"
		"15e1327a02b140f1505eb309326d68378f8374595c849d84f4c333ec4423885143cb47bd71c5edae"
		"9be69a2ffeceb1bec9de244fbe15992b11b77c040f12bd8f6a975a44a0f90c29a9abc3d4d8939272"
		"84c58754cce294529f8614dcd2aba991925fedc4ae74ffac6e333b93eb4aff0479da9a410e4450e0"
		"dd7ae4c6e2910900575da401fc07059f645e8b7e9bfdef33943054ff84011493c27b3429eaedb4ed"
		"5376441a77ed43851ad77f16f541dfd269d50d6a5f14fb0aab1cbb4c1550be97f7ab4066193c4caa"
		"773dad38014bd2092fa755c824bb5e54c4f36ffda9fcea70b9c6e693e148c151" },
	/* RFC 3962, appendix B */
	{ FSCRYPT_AES_128_CTS,
		"636869636b656e207465726979616b69",
		"00000000000000000000000000000000",
		"4920776f756c64206c696b652074686520",
		"c6353568f2bf8cb4d8a580362da7ff7f97" },
	{ FSCRYPT_AES_128_CTS,
		"636869636b656e207465726979616b69",
		"00000000000000000000000000000000",
		"4920776f756c64206c696b65207468652047656e6572616c20476175277320",
		"fc00783e0efdb2c1d445d4c8eff7ed2297687268d6ecccc0c07b25e25ecfe5" },
	{ FSCRYPT_AES_128_CTS,
		"636869636b656e207465726979616b69",
		"00000000000000000000000000000000",
		"4920776f756c64206c696b65207468652047656e6572616c2047617527732043",
		"39312523a78662d5be7fcbcc98ebf5a897687268d6ecccc0c07b25e25ecfe584" },
	/* SP 800-38A, F.2.5, with the last two blocks exchanged, and its first block alone */
	{ FSCRYPT_AES_256_CTS,
		"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
		"000102030405060708090a0b0c0d0e0f",
		"6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411"
		"e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
		"f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7db2eb05e2c39be9fc"
		"da6c19078c6a9d1b39f23369a9d9bacfa530e26304231461" },
	{ FSCRYPT_AES_256_CTS,
		"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
		"000102030405060708090a0b0c0d0e0f",
		"6bc1bee22e409f96e93d7e117393172a",
		"f58c4c04d6e5f1ba779eabfb5f7bfbd6" },
	/* the key and text of SP 800-38A, data unit 5; two other programs agree on the result */
	{ FSCRYPT_AES_128_CBC,
		"2b7e151628aed2a6abf7158809cf4f3c",
		"05000000000000000000000000000000",
		"6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411"
		"e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
		"70a9ee85fb34501605712b3b37150d17cc450c725f8ed759ceaa67a8e59bde0ea1d3ee619e416df1"
		"263a3d84a9a0e7105d826680885a2f1b1b8c626fffeab539" },
	/* the designers' vectors (github.com/google/adiantum) */
	{ FSCRYPT_ADIANTUM,
		"9eebb2493c1cf5f46a99c2c4dfb1f4dd752057ea2c4fcdb2a53d7b491eabfd0f",
		"df63d4abd249f3d8338137607dfa7308d8496d80e82f6254eb0ea9395b457f8a",
		"67c9f23084418e43fbf3b33e79367fe8",
		"6d32861867860f3f967c9d280d53ec9f" },
	{ FSCRYPT_ADIANTUM,
		"362b5797f85dcd995f1a5a441d920f27cc16d72b856399d3ba96a1dbd26068da",
		"ef5869b12c5e9a4724c1b169e112938f433d6d00db5ed8d9129afed9ff2daac4",
		"5ea8681985981223260accdb0a04b9df4db3487bb0e3c819435a4606942df2",
		"c7c6f1738fc4ff4a39be78be8d28c8894663e70c7d87e84ec9187bbe186050" },
	{ FSCRYPT_ADIANTUM,
		"a52824341a3cd8f705918fee851f357f803dfc9b94f6fc9e190900a904314f11",
		"a1ba4995ff346db8cd875d5efdea85db8a7b5eb25d57dd62aca98c41429475b7",
		"69b4e88c37e86782f1ec5d04e5149113dff2871b69811d71709e9c3bde497011a0a3db0d544f6669"
		"d7db80a7709268ce81042cc6abaee56015e96fefaa8fa7a7638ff2f077f1a8eae1b71f9eab9e4b3f"
		"07875b6fcda8afb9fa700b52b8a8a79e075fa60eb39b791379c33e8d1c2c68c8511d3c7b7d79772a"
		"5665c5542328b003",
		"9e16abed4ba7425ac6fb4e76ffbe03a00fe3adbae4982b0e2148a0b865482748845454b29a947be6"
		"4b29e9cf0591801a3af34196851d9f74515663fa7c288549f72ff9f21846f53380a33cceb25793f5"
		"aebda9f57b30c49366e0307716e4a031ba70bc6813f5b09ac1fc7efe55805c4874a6aaa3acdcc2f5"
		"8dde34867860758d" },
	{ FSCRYPT_ADIANTUM,
		"ebe5113a72eb10be70cfe3eac274a448290f8f3fcf4c282a4e1e3cc3279f1613",
		"843ea27c0672b2ad887665b41a29271245b68d0e4b8704fcb5cd1c4de806f1cb",
		"8eb6079b7ce4a4a2416c241dc0774ed94aa42cb6e455027fc4ecabc25c634092382462db6582107f"
		"21a5393a3f387ead6c7bc93f898fa808bd31573c7a456730a9275834bee3a4c3ffc29f43f004ba1e"
		"b6f3c4ce097a2e427dad97c9779a3a786caf7c2a46b441861a20f25b1a60c9c4475d10a4d2156a19"
		"4fd55137d506701a3e78f02eaab52abd83097ccb29acd79cbf80fd9dd4cf64caf8c9f1772ebb3926"
		"acd9bece247fbba282baeb5f65c5f1568a52024d45236debb0607bd86eb298d2af76f2339bf3bb95"
		"c050aac747f6b3f37716cb1495bf1d32450c75522ce8d731c087b0973030c55e50706eb04b4e3819"
		"46ca386aca7dfe05c8807c146c24b54228044cff9820081090310378d8a1e6f952c2fc3ea768ceeb"
		"595debd8644ef88b2462cf173684c072604f3e47da723b0ece0ba99c51dca5b97173084e2231fd88"
		"29fc8d173a7ae5b90b9c6ddbcedbde81735a169d3c7288511016f3116e325f4c87ce882cd2aff5b7"
		"d822edc9ae687fc53062bec9e027a1b557743660b86b8cec14aded69c9d8a55b38075bf33e744890"
		"611723dd44bc9d120a3a63b2ab86b86785d6b25dde4ac1732a7c538ed67d0ee43babc53d327918b7"
		"d6504df08a37bbd38dd808d77daa2452f790e3aad6497a47ec37ad748bc1b7fe4f701462228c63c2"
		"1c4e38c363b7bf53bd1faca694c581fae0eb81e9d91d323c8512ca6165d166d8e20ec3a3ff0dd3ee"
		"dfcc3e01f59b455c33b5b08d361adff8a381bedb3d4bf6c6df7fb089bd393250bbb2e35cbb4b1898"
		"086651e74dfbfc4e22426f61db7f2788293f02a9c68330cc8bd5647b7c7616beb68b26b88316f26b"
		"d1dc206b425aef7aa960b81ad30d4ecb756bc58043387fad9c56d9c4f10174f016538d69bef25d92"
		"3438c884f91afc2616cbae7d382167744c40aa6b97e0b02ff53ef6e224c822a4a888278644755b29"
		"34084ba1fe0c26e5ac26f6210cfbde14fed7beee4893d699569ccf22ada25341fd58a168dcc4ef20"
		"a1eecf2b43b657d8fe018025dfd235440d1515c3fc49bfd0bf2f958109a6b6d72103fe52b7a8324d"
		"751e4644bc2b61041b1ceb39868fe949ce78a55e67c5e9ef43f8f135224361c127b509b2b8e15e26"
		"ccf36fb2b755309887fce7a8c89486a1d9a03c7416b32598bac6844a27a658fee1680430c8db4452"
		"4eb2a46ff763f2d663361704f806dbeb9917a51b6190a39f05ae3ee4dbc81c8e772788dfd3225ac5"
		"9cd622f8c4d8929d16cc54253b6fdbc078d8e3b30369d75df8080463619d76f9ad1dc4309f75896b"
		"fb62baaecb1b6ce57eea586baece9b484b80d45e7153a72473caf53ebb5ed31c33e3ec5ba0329d25"
		"0e0c28293951c570ec608f77fc067a3319d57a6e94eaa3eb13a42e09d881658303638bb5c9899873"
		"69538eabf1d22f67bda6166ed08bc12593d2507c1fe111d0580d2f72e75edba2559ae00921ac6185"
		"4b2095736326e3834b5b400314b04416bde00eb76656d730b3fd8ad3da6aa73d980911b70006245a"
		"f74294a60eb16d4874b1a7e6920a159af5fa551a6cdd7108d0f78d0e7c674dc6e6de7888883c5e23"
		"46d225a4fba3263f2bfd9c20da72e1818fe6ae081d6715de86691dc61e6db75cdd43725a7da7d8d7"
		"1e66c590f6517691b3e339817508fac50670691b2c2074e053b00c9ddaa95bdd1c386c9e3bc47a82"
		"939ebb75fb194a55657a3cdacb665c131797e8bdae24d976fb8c73debdb41be0b92ce8e01d3fa82c"
		"1e815b77e7df6d067c9af02b5dfc86d5b1adbca873486167d6bac8e8e2b8ee4036223e61f6c816e4"
		"0e88ad715358e16c8f4f894b3e9c7fe9adc228c23a29f3eca92839bac286e106f38be3950c87b81b"
		"72358e8f6d18c81ca55d579d738abb9e210512d7e0211c163a9585bcb0710b366c448def3bec3f8e"
		"24a9e3a76323ca096296790c810541f2072026e58e105403057bfe0ccc8c50e5ca334d487a03d564"
		"4909f25c5dfe2b30bf2914298b9b7c964707864d4e4df147d1102aa8d3158cf22ff43adfd0a7cb5a"
		"ad99394adf60bef9914ef594efc55632338678a3d64c297ce8ac06b5f5015c9f02c8e8bf5c1a7f4d"
		"28a5b9daa95ee74bf43de91d28aa1a8a76c86c19613c9e29cdbeffe01cb867b5a446f8b98aa2f67c"
		"ef23730ce9720a0d9b40d8fb0c9caba8",
		"cb78879cc713c130dd2c7db297ab066947878a122b5d86d72ee67a0d585de701780effc7c5d294d6"
		"dd6b381fa4e33de7c58ab5be65112be12b8e84e8e0007fdd1515abbd2294f7ce996ffd0e9b16ebeb"
		"24c7bbc6e16c57ba84ab16f257d6429d56925b4418d4a21b1ea9dc7a1688c44f6d779a2e82a9c3ee"
		"a4ca051b0edc4896d050211f46c7c77053cd1e4e5f2d4bb286e53ae61dec7b9d8fd641c6bb004fe6"
		"02470773506bcfb29e1c01c909ccc35227e663e05b55604d72d0da4beccb725d374af5b8d9e20810"
		"f3b9dc07c00210149fe68fc4c4e1397b47eaae7cdd27a84c6b0f4cf8ff164ecbec88330d15108266"
		"a73d2cb6bc2ee4ce4c2f4b460f6778a5ff6a7d0d5e6dabfb5999d81f30d433e87d11aee3bad03fa7"
		"a55e43daf30f3a5fbab047b20860f4ed35230ce94f81c4c5a835dc99523319d400018d5a10823978"
		"fc7224634a38c56ffeec2f260c3c1cf64d997a7759fe10a5a135bf2f15fa4e52e6d51c889075d5cc"
		"db2ab1f0705489c7eb1d6e6145a35048cddb32ba7f6bafef50cb0d36f7293a100273ca8f3f5d8217"
		"919ad81515e3e14143ef85a6b0c73b0ff0a5aa6677705e70ce17846845392c25c6c15f7ee8fae43a"
		"47517b9d548498045ff75f3c34e7a31deab76d05ab28e42cb17f08a85d07bffe3972448751c573e4"
		"9a5fdd46bc4eb139e478b8bfdc5b889bc13fd9d0b35adfaa536a916d2a09f00b5ee8b2a0b473071d"
		"c83384e6dae6add6ad91014e1442342ce5f99921561f6c2b4ce3d59e04dc9a16d154e9c2f7c0d506"
		"2fa1382a558823f8b0db8732c94eb00cc5057858a12e757568dceadd0c33165ee7dcfd4274beae60"
		"3c374b27f52c5f554a0b64fda201659c279f5e87d5958866098442ab00e258c39745f193e234373d"
		"fe938c17b9796506f758e51b3b4eda3617e356ec260f2efad1b92b3e7f1de34b67df435310baa3fb"
		"5d5ad8c4ab197e12aa83f1c0a1e0bf725fe86839ef1abeee6f477919edf2a14ae5fcb558ae6382cb"
		"160b94bb3e0249c43c33f1ec1b11719b5b80f16f881c0536a8d8ee44b518c31462ba98b9c02a7093"
		"b3d81169951d437b39c19105c4e31ec21e5de7debefdae994b8f831ef49bb02b666e62248de01b22"
		"59ebbd2a6b2e37179e1f66cb66b4fb2c36225d7356c1b027e0f01be4478bc6dc7c0c3d29cb3310fe"
		"c3c31eff4c9b2786e2b0afb789ce6169e7003e92ea5f9ec1fa6b20e2412382eb07764c4c2a9633be"
		"89a9a8b99a7d271848237046f387a79158b874baedc6b2a14db6439ae1a241a535d3908ac74db788"
		"0be3749f84fcd973f2860cadeb5d70ac6507148e57f6dcb4c2027cd689e28a3e8e083c1237afe1a8"
		"04115cae5a2b60a0033c7aa23892bece09a25e0fc2b2b506c297979b092f04fe2ce7a3c442e9a340"
		"a552072c3b891aa528b19305980c2f3dc6f583ac241d289f32664d70b7e0abb875c5f3d27b263eec"
		"64e6f770e7f8108e67d2b3876940069a2f6a1afd620cee312ebe589777d109081f8d422934d5d8b5"
		"1fd72118e3e72e4a42fcdb19e9eeb922ad5c07e9c807e5e995a20d3046e2655101a57485e2526e07"
		"c9f53309de7862a9302ad386e5462e60ff74b05fec76b7d15e4d61973c9c99c341652147f9b106ec"
		"18f83fc738fa7b1462796a0b0cf52cb7abcf63496d1f46a8bc7d4253756bca38ac8be7a1a192196b"
		"0d75805b7d358670126be53ee585a0a4d6775e4d245784a9e5a4bf25fb36653b813961ec5e4a7e10"
		"5819135c0f79eccfbb5f6921c3a75aff3bc7859b47bc3eadbf5460b65b3ffc5068837624b0c33f93"
		"0dce360a589dcce952bbd00b65e50f628216aad2ba5a4cd067b54e841c026ea3aa225496c8d99c58"
		"1563f4981aa1d911642556b5038e29857588d1d2e4e62748139c2baafbd36e2ce6d4e48bd9f70116"
		"46f95c887a939e2da6eb012a72e47fb4780c5018d38e65a71bf9285d8970962fa1c29b34fc7c2763"
		"93e6e3a49d17977e13799c4b2c23912c4fb11d4bb4616ee83235c3417a5060c83ed83f38fcc2a2e0"
		"3a21258fc222ed0431b87269af6c6dab2516958792c7463f47056cada0a61df0662e011ac3bee4f6"
		"51eca39581e1ccabc171650ae653fbb85369ad8bab8ba7cd8f150125b11f9c3b9b47ad3838896b1c"
		"8a33dd8a0623060b7f70be7ea180bc7a" },
	/* the designers' vectors (github.com/google/hctr2) */
	{ FSCRYPT_AES_256_HCTR2,
		"9eebb2493c1cf5f46a99c2c4dfb1f4dd752057ea2c4fcdb2a53d7b491eabfd0f",
		"df63d4abd249f3d8338137607dfa7308d8496d80e82f6254eb0ea9395b457f8a",
		"67c9f23084418e43fbf3b33e79367fe8",
		"2738784716d971352e7edd7e433cb840" },
	{ FSCRYPT_AES_256_HCTR2,
		"93fa7ee20e67c439e7ca4795689d5e5a7c2619abc6ca6a4c45a69642ae6cffe7",
		"ea8247953b22a13a6aca244c507e23cd0e50e541b66529d8302300d254a7d656",
		"db1f1fecad836e5d19a5f63bb4935a576f",
		"f1466e9db301f06bc2ac5788486d407268" },
	{ FSCRYPT_AES_256_HCTR2,
		"362b5797f85dcd995f1a5a441d920f27cc16d72b856399d3ba96a1dbd26068da",
		"ef5869b12c5e9a4724c1b169e112938f433d6d00db5ed8d9129afed9ff2daac4",
		"5ea8681985981223260accdb0a04b9df4db3487bb0e3c819435a4606942df2",
		"dbfdc803d0ecc1febd6437b88243624e7e54a3e224a727e8a4d5b36cb226b4" },
	{ FSCRYPT_AES_256_HCTR2,
		"a52824341a3cd8f705918fee851f357f803dfc9b94f6fc9e190900a904314f11",
		"a1ba4995ff346db8cd875d5efdea85db8a7b5eb25d57dd62aca98c41429475b7",
		"69b4e88c37e86782f1ec5d04e5149113dff2871b69811d71709e9c3bde497011a0a3db0d544f6669"
		"d7db80a7709268ce81042cc6abaee56015e96fefaa8fa7a7638ff2f077f1a8eae1b71f9eab9e4b3f"
		"07875b6fcda8afb9fa700b52b8a8a79e075fa60eb39b791379c33e8d1c2c68c8511d3c7b7d79772a"
		"5665c5542328b003",
		"ebf998863c409f168401f9060feb3ca94ca48e5dc38de5d3aea6e6ccd62d374f99c8a32146b869f2"
		"e31489d7b9f59e4e07936f788e6bea8ffb43b83e9b4c1d7e209ac587eeaff6f946c5188ae869e796"
		"52555f001e1adccc13a5eeff4b27cadc10a64876984394a3c7e2c9659b0814261d68fb150a334984"
		"84335a1b24463192" },
	{ FSCRYPT_AES_256_HCTR2,
		"364511a2985f967cc6b494310a6709326c6f6f00f017cbaca5a9479e2e852ffa",
		"2888aa9b593b1e9782e55c9e6d1411196e388fd5402bcaf97b4ce4a3d0d28a13",
		"95d2f7711bcaa586d94801932f7955297113150ee612bc4d8a31e3402ac65e0d68bb4a628dc74577"
		"d2b8c71df1d25d97cfac52e53277b6da3085cf2b98e9aa3462b5239eb7a6d4e0b458188c4dde4d01"
		"838924cafb11d482307a8135a0b4d4b684ea47918c198625a6068d78e6ed87ebdaea737cbf66b872"
		"e30ab80ccb1a73f1a7ca0ade572bbd2beb8b243822d30e1f17a084983177fd346a4e3d844c0efbed"
		"c82a51fad873218adbb5fe1feec4e8655484dd966dfdd3317736526b804f9eb4a255bf6641494e87"
		"a70ccae7a5c5f66f2756e24822dd5f593cf19f83e52dfb71add1ae1b205c47b73bd314ce8142b10a"
		"f049fac2e786bfcdb0959f8f794154",
		"f65751c425612dfad6d93f9a8151dd8e3de7aa2db1dac8a69daa3cab62f280c32ce758721d44c528"
		"7fb4f9bc9cb2ab8efad14d72d979f5a0243e90253114384559c8f6e2c6f6c1a7b2f8a7a92b6f123a"
		"b081a4085759b1564c8f1855335fd66ac6a04bd66b643e9efd6616e2dbeb5fb350503ede8d727601"
		"beccc952092d8de7d6c366db3608d177c87346262429bf682d2a99435655e493afae4de7554ac045"
		"26eb3b12907cdcd1d56f0ad0a9d74b890b07d886ada1c4691f5e8bc49e914125569869783a9eae91"
		"d8d9fafbff812509fced2d87bc04629735e126c2461ccfd714ed0209a5b2b6aa274e61b3716b4716"
		"b7e8d4af52eb6a6bdb4c65219e1c36" },
	{ FSCRYPT_AES_256_HCTR2,
		"d381721823ff6f4a2574290d518a0e13c1535d308dee750d14d669c915a90c60",
		"659bd4a87d291df4c4d69b6a28ab64e2628197c581aaf944c1725982af16c82c",
		"c76b526a10f0cc09c1121d6d21a678f505a3696091369857ba0c14ccf32d7303c6b25fc81627375d"
		"d00b87b250947b5804f4e07f6e578ec94184c1b17e4b91123a8b5d50827bcbd99ad94e1806239ed4"
		"a52098efb5dae5c08a6a837715841eae78949ddfb7d1ea67aab01415fa672184d3412aceba4b4ae8"
		"9562a955f080adbdabafdd4fa57c1336ed5e4f72ad4bf1d0884eec2c88105eea12c0160129a3a055"
		"aa68f3e99d3b0d3b6decf8a02df0908d1ce288d42471f9b3c19fc5d67670c52e9cacdb90bd8372ba"
		"6eb5a55383a9a5bf7d060e3c2ad204b51e19380916d2821f751856b8960ba6f9cf62d9325da9d71d"
		"ece4df1bbef136eee37bb52feef8533d6ab770a9fc9c5725f28910d3b8a88c30ae234f0e13664fe1"
		"b6c0e4f8ef93bd6e15856be360811d68d731878909abd5961df36d6780ca07315da7e4fb3ef29b33"
		"5218c830fe2dca1e79927a605cb65887a436a267928ba4b7f186dfdcc07e8f63d2a2dc78eb4fd896"
		"47cab891f9f794215f9a9f5bb840414b66696a72d0cb70b793b5379605374fe58ca75a4e8bb784ea"
		"c7fc196e1f5aa1ac187d523bb3346299e49e31043fc08d84177c25485267112767bb5a85ca56b25c"
		"e6ecd5963d15fcfb2225f413e5934b9a77f15218fa165e490345a808fab34192795033cad0d74255"
		"c39a0c4ed9a43c86809f53d1a42ed1bcf1546e93a465998edf29c0646307bbea",
		"9f7287c717fb201565b355a81c8e5232b1828dbfb59f100ae80c7062ef89b61f73cce4cc7a3a754a"
		"26e7f5d77b17392dd2276ef92f9ee2f6fa16c2f24926a75be7ca250e45a034c29a37797e7c581894"
		"10a87c48a9d763899e614d2634d9f0b12d172c6f7c350ebe77717c175bab70db2f540fa9c8f4f5ab"
		"52043ab803a7fd57455ebc77e1ee798c587b1ff775de681798858a185cd239787a6f266ee11391dd"
		"df0e6e67cc5153d8175ecea7e4affaf34f9f019b04e7fcf96adc1d0c9aaa3a7a7303dfbf3b82beb0"
		"b4a4cf07d7de7125c510ee0a15968b4ffeb828bd4acdeb9f5d00c1eee81644ece97bd6851729cf58"
		"20abf7ce6be7717d4fa8b0e97d70d60b2e20b11a6337aa2c94eed5f6582af47a4cbaf5e93c6f9513"
		"5f96815bb562f2d78dbea13151e6fec9077d0f003a668c4b94aae556decd74a748676fedc96aefaf"
		"9ab7ae60fac03739a525e522ea8255683e30c35ab629737ab6fb34ee517c54e5014d7225324aa368"
		"809a89c511664c8c4450bed7a0eea6bb920ce6d78351b1696340f3f49284c43829fbb484a0197516"
		"60bf0a9c89eeadb443f97139457c248330bbee28b0867bec93c1bfb9971b96efee5835611219da25"
		"77e5801a31279be4da8b7e514dcb01194fdc921a17d56bf450e306e4769f6500bd7ae26426f2e47e"
		"40f280ab62d5ef238bfb6f246e9b660ef41c241e1d269509943cb2b602a7d99a" },
};

static void crypt_once(struct cipher_worker *worker, bool encrypt, const uint8_t iv[CIPHER_IV],
	const uint8_t *in, const uint8_t *want, size_t len)
{
	uint8_t out[TEXT_MAX + 1];

	memset(out, 0x5a, sizeof(out));
	assert_int_equal(cipher_crypt(worker, encrypt, iv, in, out, len), 0);
	assert_memory_equal(out, want, len);
	assert_int_equal(out[len], 0x5a);
	memcpy(out, in, len);
	assert_int_equal(cipher_crypt(worker, encrypt, iv, out, out, len), 0);
	assert_memory_equal(out, want, len);
	assert_int_equal(out[len], 0x5a);
}

static void check_vector(const struct vector *v)
{
	uint8_t key[CIPHER_KEY_MAX], iv[CIPHER_IV] = { 0 }, plain[TEXT_MAX], sealed[TEXT_MAX];
	size_t len = hex_decode(v->plain, plain, TEXT_MAX);
	struct cipher_worker *worker;
	struct cipher *cipher;

	assert_int_equal(hex_decode(v->key, key, sizeof(key)), cipher_key_size(v->mode));
	hex_decode(v->iv, iv, sizeof(iv));
	assert_int_equal(hex_decode(v->cipher, sealed, TEXT_MAX), len);
	assert_int_equal(cipher_new(v->mode, key, &cipher), 0);
	assert_int_equal(cipher_get_worker(cipher, &worker), 0);
	for (int round = 0; round < 2; round++) { /* nothing of a message stays for the next */
		crypt_once(worker, true, iv, plain, sealed, len);
		crypt_once(worker, false, iv, sealed, plain, len);
	}
	cipher_put_worker(cipher, worker);
	cipher_free(cipher);
}

static void test_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR(vectors); i++)
		check_vector(&vectors[i]);
}

/* Every mode takes names of every length and gives them back. */
static void test_lengths(void **state)
{
	static const uint8_t iv[CIPHER_IV] = { 7 };
	uint8_t key[CIPHER_KEY_MAX], plain[256], sealed[256];

	(void)state;
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(i * 11 + 1);
	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = (uint8_t)(i * 5);
	for (unsigned mode = 0; mode < FSCRYPT_MODE_NR + 3; mode++) {
		struct cipher_worker *worker;
		struct cipher *cipher;

		if (!cipher_is_known(mode)) {
			assert_int_equal(cipher_new(mode, key, &cipher), -EOPNOTSUPP);
			continue;
		}
		assert_int_equal(cipher_new(mode, key, &cipher), 0);
		assert_int_equal(cipher_get_worker(cipher, &worker), 0);
		for (size_t len = 16; len <= sizeof(plain); len++) {
			if (mode == FSCRYPT_AES_128_CBC && len % 16)
				continue;
			assert_int_equal(cipher_crypt(worker, true, iv, plain, sealed, len), 0);
			assert_memory_not_equal(plain, sealed, len);
			crypt_once(worker, false, iv, sealed, plain, len);
		}
		cipher_put_worker(cipher, worker);
		cipher_free(cipher);
	}
}

/* XTS with both halves of the key the same is what the kernel refuses, too. */
static void test_weak_key(void **state)
{
	static const uint8_t key[CIPHER_KEY_MAX];
	struct cipher *cipher;

	(void)state;
	assert_int_equal(cipher_new(FSCRYPT_AES_256_XTS, key, &cipher), -EINVAL);
}

struct shared {
	struct cipher *cipher;
	uint8_t plain[512], sealed[512];
};

static void *use_shared(void *arg)
{
	static const uint8_t iv[CIPHER_IV] = { 0xff };
	struct shared *shared = arg;
	size_t bad = 0;

	for (int i = 0; i < 200; i++) {
		uint8_t out[512];
		struct cipher_worker *worker;

		if (cipher_get_worker(shared->cipher, &worker))
			return (void *)1;
		if (cipher_crypt(worker, true, iv, shared->plain, out, sizeof(out)) ||
			memcmp(out, shared->sealed, sizeof(out)) != 0)
			bad++;
		cipher_put_worker(shared->cipher, worker);
	}
	return (void *)bad;
}

static void test_threads(void **state)
{
	const struct vector *v = &vectors[0];
	uint8_t key[CIPHER_KEY_MAX];
	pthread_t threads[4];
	struct shared shared;

	(void)state;
	hex_decode(v->key, key, sizeof(key));
	hex_decode(v->plain, shared.plain, sizeof(shared.plain));
	hex_decode(v->cipher, shared.sealed, sizeof(shared.sealed));
	assert_int_equal(cipher_new(v->mode, key, &shared.cipher), 0);
	for (size_t i = 0; i < NR(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_shared, &shared), 0);
	for (size_t i = 0; i < NR(threads); i++) {
		void *bad;

		assert_int_equal(pthread_join(threads[i], &bad), 0);
		assert_null(bad);
	}
	cipher_free(shared.cipher);
}

/* Those of Project Wycheproof's hkdf_sha512_test.json that have no salt: 3, 4, 5, 6. */
static void test_hkdf(void **state)
{
	static const struct {
		const char *secret, *info, *out;
	} known[] = {
		{ "a4748031a14d3e6aafe42aa20c568f5f", "",
			"62ea97e06051e40b79deb127a4da294f557cafa3d7a90a75c02064571dfbbe46"
			"99129bdcec4b39eed7757ce8e3571589f7d8f5523c0dc3fd6a56b099fb4bfd51" },
		{ "06eb26f8ccf28580c8f28d5b4dc47a49", "d5f081e81e8cf9ded199f3ae43c80a2dfe3d9cf2",
			"952b7dfa219f167aa8a86a5f136dfc7aed1848fc" },
		{ "c181696a19ab1a32eb6e81b2925d8990", "d8c8de92fe5422c9825996354db1821ba43a81ac",
			"bd646410b4ef179e10369db6d7e4fe841e7915f8ae793b8f49149c05a0cee691b234c8cb"
			"b51c8b038b7a" },
		{ "55fb6dcc7802354e55a45a6e41858c05", "dcd590e418b259c64fb9e139b3a1280d5de8400b",
			"725ac2b568fa0308ea6baeb2175ae9a0d41f8be1af13057f0646ba56389a8f1d"
			"8a783da95fc7eee4897a0b1580f7987115e03508feedc335260a293f01afdb98" },
	};

	(void)state;
	for (size_t i = 0; i < NR(known); i++) {
		uint8_t secret[64], info[64], want[128], out[128], prk[HKDF_HASH];
		size_t len = hex_decode(known[i].out, want, sizeof(want));

		assert_int_equal(hkdf_extract(secret,
					 hex_decode(known[i].secret, secret, sizeof(secret)), prk),
			0);
		assert_int_equal(hkdf_expand(prk, info,
					 hex_decode(known[i].info, info, sizeof(info)), out, len),
			0);
		assert_memory_equal(out, want, len);
	}
}

/* More than one round of the hash: a longer output begins with the shorter ones. */
static void test_hkdf_rounds(void **state)
{
	static const uint8_t prk[HKDF_HASH] = { 1 }, info[HKDF_INFO_MAX + 1] = { 2 };
	static uint8_t longest[255 * HKDF_HASH + 1], part[255 * HKDF_HASH];

	(void)state;
	assert_int_equal(hkdf_expand(prk, info, 9, longest, sizeof(longest)), -EINVAL);
	assert_int_equal(hkdf_expand(prk, info, sizeof(info), part, 16), -EINVAL);
	assert_int_equal(hkdf_expand(prk, info, 9, longest, sizeof(longest) - 1), 0);
	for (size_t len = 1; len < 300; len += 37) {
		assert_int_equal(hkdf_expand(prk, info, 9, part, len), 0);
		assert_memory_equal(part, longest, len);
	}
	assert_memory_not_equal(longest, longest + HKDF_HASH, HKDF_HASH);
}

/* The answers of the designers' reference program for the key and messages 00 01 02 ... */
static void test_siphash(void **state)
{
	uint8_t bytes[16];

	(void)state;
	for (uint8_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = i;
	assert_int_equal(siphash(bytes, bytes, 0), 0x726fdb47dd0e0e31);
	assert_int_equal(siphash(bytes, bytes, 8), 0x93f5f5799a932462);
	assert_int_equal(siphash(bytes, bytes, 15), 0xa129ca6149be45e5);
}

/* RFC 8452, appendix A. */
static void test_polyval(void **state)
{
	uint8_t key[POLYVAL_BLOCK], data[2 * POLYVAL_BLOCK], want[POLYVAL_BLOCK], out[POLYVAL_BLOCK];
	struct polyval hash = { 0 }, h;

	(void)state;
	hex_decode("25629347589242761d31f826ba4b757b", key, sizeof(key));
	hex_decode("4f4f95668c83dfb6401762bb2d01a262d1a24ddd2721d006bbe45f20d3c9f362", data,
		sizeof(data));
	hex_decode("f7a3b47b846119fae5b7866cf5e5b77e", want, sizeof(want));
	h = polyval_get(key);
	polyval_update(&hash, &h, data, sizeof(data));
	polyval_put(&hash, out);
	assert_memory_equal(out, want, sizeof(out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_weak_key),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_hkdf),
		cmocka_unit_test(test_hkdf_rounds),
		cmocka_unit_test(test_siphash),
		cmocka_unit_test(test_polyval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
