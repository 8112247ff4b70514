// The gradient of a position is written by the sweeps after its loss.

fn leave_gradient(position: ptr<function, Position>, first: u32, scale: Floats, counted: Mask) {
  var carried = load_carried(first / LANES);
  carried.scale = scale;
  carried.counted = select(Bits(0u), Bits(1u), counted);
  store_carried(first / LANES, carried);
}
