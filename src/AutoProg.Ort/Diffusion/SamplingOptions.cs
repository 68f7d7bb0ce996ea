#pragma warning disable CS1591
namespace AutoProg.Ort.Diffusion;
public enum SamplerKind { Ddpm, Ddim }
