"""Faults in what both implementations share, caught by the tests of that part."""

from __future__ import annotations

from parity.faults.fault import Fault, planted_in

INITIAL = "families.ugatit.initial"
INITIAL_TESTS = ("tests/test_initial_values.py",)

FAULTS = (
    Fault(
        "initial-of-paddle",
        "weights are drawn by Paddle's default for linear layers (Xavier) instead of PyTorch's",
        planted_in("neutral", INITIAL, {"_initial_value": (
            "1 / math.sqrt(_fan_in(key, shapes))",
            "math.sqrt(6 / (_fan_in(key, shapes) + shapes[key][0]))",
        )}),
        tests=INITIAL_TESTS,
    ),
    Fault(
        "initial-rho",
        "rho of ILN begins at 0.9 like that of AdaILN",
        planted_in("neutral", INITIAL, {"_initial_value": (
            '0.9 if key.startswith("UpBlock1_") else 0.0', "0.9",
        )}),
        tests=INITIAL_TESTS,
    ),
    Fault(
        "initial-stream-shared",
        "every tensor of a network begins the same stream of random numbers",
        planted_in("neutral", INITIAL, {"_initial_value": (
            'generator(seed, "initial", network, key)', 'generator(seed, "initial", network)',
        )}),
        groups=("networks", "initial"),
    ),
    Fault(
        "colours-bgr",
        "pictures are read in the order blue, green, red",
        planted_in("neutral", "images", {"read_image": (
            "pixels.reshape(*pixels", "pixels[..., ::-1].reshape(*pixels",
        )}),
        tests=("tests/test_images.py",),
    ),
    Fault(
        "resize-without-antialiasing",
        "pictures are resized bilinearly without antialiasing, as OpenCV does",
        planted_in("neutral", "images", {"resize": (
            "np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))",
            "cv2.resize(picture, (width, height))",
        )}),
        tests=("tests/test_images.py",),
    ),
    Fault(
        "crop-misses-last-offset",
        "the window of the random crop never reaches the last row and column",
        planted_in("neutral", "families.ugatit.data", {
            "random_crop": ("margin + 1, size", "max(margin, 1), size"),
        }),
        tests=("tests/test_data.py",),
    ),
    Fault(
        "flip-missing",
        "training pictures are never flipped",
        planted_in("neutral", "families.ugatit.data", {
            "augment": ("rng.random() < 0.5", "rng.random() < 0.0"),
        }),
        tests=("tests/test_data.py",),
    ),
    Fault(
        "odd-size-accepted",
        "an image side that is no multiple of 4 is taken, and fails in the first linear layer or loss",
        planted_in("neutral", "families.ugatit.config", {"Config.sizes_fit": (
            "if self.img_size % 4", "if False",
        )}),
        tests=("tests/test_config.py",),
    ),
)  # fmt: skip
