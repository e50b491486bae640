/* The block of data: base64 of deflated bytes, which are JSON and then columns. See tracecmd/plot/page.py. */

async function unpack(text) {
  const packed = new Blob([bytesOf(text)]).stream();
  const inflated = packed.pipeThrough(new DecompressionStream("deflate"));
  const data = new Uint8Array(await new Response(inflated).arrayBuffer());
  const size = new DataView(data.buffer).getUint32(0, true);
  const scene = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + size)));
  let at = 4 + size;
  for (const table of scene.tables) {
    const columns = {};
    for (const told of table.columns) {
      at = readColumn(data, at, table.rows, told);
      columns[told.name] = told;
    }
    table.columns = columns;
  }
  return scene;
}

function bytesOf(text) {
  if (Uint8Array.fromBase64) {
    return Uint8Array.fromBase64(text);
  }
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) {
    bytes[i] = raw.charCodeAt(i);
  }
  return bytes;
}

/* Puts the planes of a column together, and gives where the next one begins. */
function readColumn(data, at, rows, column) {
  const small = column.planes <= 3 && !column.rising && Math.abs(column.base) < 1 << 30;
  const values = small ? new Int32Array(rows) : new Float64Array(rows);
  for (let plane = 0, unit = 1; plane < column.planes; plane++, unit *= 256, at += rows) {
    const bytes = data.subarray(at, at + rows);
    for (let row = 0; row < rows; row++) {
      values[row] += bytes[row] * unit;
    }
  }
  if (column.base) {
    for (let row = 0; row < rows; row++) {
      values[row] += column.base;
    }
  }
  if (column.rising) {
    for (let row = 1; row < rows; row++) {
      values[row] += values[row - 1];
    }
  }
  column.values = values;
  column.valid = column.nulls ? data.subarray(at, at + rows) : null;
  return column.nulls ? at + rows : at;
}

/* The value of a column in a row: a number, a text, or null. */
function valueOf(column, row) {
  if (!column || (column.valid && !column.valid[row])) {
    return null;
  }
  const value = column.values[row];
  return column.texts ? column.texts[value] : value;
}
