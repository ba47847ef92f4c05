"""stand-in"""
def training_flops(config, lengths, masked, sequences):
    return 1.0
