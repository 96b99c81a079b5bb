from keras_ccar.benchmark.spec.ablations import VariantGroup, group_variants


def test_variants_are_grouped_with_their_method():
    names = ("ccar[strength=3]", "ce", "ccar", "la[tau=2]", "ccar[normalize]")
    methods = {name: {"name": name} for name in names}
    variants = (methods["ccar[strength=3]"], methods["ccar[normalize]"])
    # Without `la` itself, its variant has nothing to be compared with.
    expected = [VariantGroup(methods["ccar"], variants)]
    assert group_variants(methods.values()) == expected
