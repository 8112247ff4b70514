// The focal curve of the margin, in float64: the twin of shaders/lib/curve.wgsl.

/** loss = (1 − p_t)^γ · (−log p_t) in nats and slope = −d loss / d s, where p_t = sigmoid(s). */
export function focalCurve(s: number, gamma: number): { loss: number; slope: number } {
  const e = Math.exp(-Math.abs(s));
  const l = Math.log1p(e);
  const ce = Math.max(-s, 0) + l; // −log p_t
  const nq = Math.max(s, 0) + l; // −log(1 − p_t)
  const big = 1 / (1 + e);
  const small = e / (1 + e);
  const [p, q] = s >= 0 ? [big, small] : [small, big];
  const f = gamma === 0 ? 1 : Math.exp(-gamma * nq); // (1 − p_t)^γ
  const loss = f === 0 ? 0 : f * ce;
  const pce = p === 0 ? 0 : p * ce;
  return { loss, slope: f * (q + gamma * pce) };
}
