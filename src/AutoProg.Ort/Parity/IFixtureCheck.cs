namespace AutoProg.Ort.Parity;

/// <summary>Compares the engine with one family of golden fixtures.</summary>
internal interface IFixtureCheck
{
    /// <summary>True if the folder holds goldens of this family. Several checks may recognise the same folder.</summary>
    bool Recognizes(string folder);

    /// <summary>Computes everything that the folder has goldens for.</summary>
    /// <exception cref="FixtureException">The folder's files are missing or malformed.</exception>
    IEnumerable<ParityCase> Run(string folder);
}
