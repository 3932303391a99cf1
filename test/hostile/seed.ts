const DEFAULT_SEED = 20_261_122

export const seed = Number(process.env.BZZZ_TEST_SEED ?? DEFAULT_SEED)
