// The curve of an element whose target is 0 or 1: that of its margin s = x·(2t − 1).

fn element_curve(bits: Bits, t: Floats, rest: Floats) -> ElementCurve {
  var seen = nothing_seen();
  let x = see(&seen, 0u, bits);
  let sign = 2.0 * t - 1.0;
  let curve = focal_curve(x * sign);
  let infinite = (t > Floats(0.0)) & (x <= Floats(LOWEST));
  let slope = select(sign * curve.slope, t, infinite);
  return ElementCurve(curve.loss, slope, x > Floats(0.0), is_nan(seen), infinite, Mask());
}
