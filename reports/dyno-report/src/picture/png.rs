//! PNG of an SVG that was made here.

use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};

/// An SVG cannot be turned into a PNG.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// It is no SVG that can be read.
    #[error("cannot read the SVG of a chart")]
    Svg(#[source] resvg::usvg::Error),
    /// It is too big, or has no size.
    #[error("a picture of {width} × {height} pixels cannot be made")]
    Size {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// It cannot be compressed.
    #[error("cannot write a picture as PNG")]
    Png(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// DejaVu Sans (Bitstream Vera licence), and nothing of the machine that this runs on.
static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    fonts.load_font_data(dejavu::sans::regular().to_vec());
    fonts.set_sans_serif_family("DejaVu Sans");
    Arc::new(fonts)
});

/// The PNG of an SVG, as many pixels wide and high as the SVG says.
///
/// # Errors
/// The SVG cannot be read, or says a size that cannot be made.
pub fn png(svg: &str) -> Result<Vec<u8>, PictureError> {
    let options =
        Options { fontdb: FONTS.clone(), font_family: "DejaVu Sans".to_owned(), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(PictureError::Svg)?;
    let (width, height) = (tree.size().width().round() as u32, tree.size().height().round() as u32);
    let mut pixels = Pixmap::new(width, height).ok_or(PictureError::Size { width, height })?;
    resvg::render(&tree, Transform::identity(), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| PictureError::Png(Box::new(error)))
}
