//! Entry points for the fuzz targets: each takes any bytes and checks what must hold for all of them.
