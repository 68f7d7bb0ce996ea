using AutoProg.Ort.Runs;

namespace AutoProg.Ort.Tests.Runs;

/// <summary>Locks whose owner cannot be written; a folder in the place of its file stands for a disk that is full.</summary>
public sealed class RunLockTests : InTemporaryFolder
{
    private const string Owner = ".lock-owner";

    [Fact]
    public void A_lock_whose_owner_cannot_be_written_is_free_again()
    {
        Directory.CreateDirectory(At(Owner));
        Assert.Throws<UnauthorizedAccessException>(() => RunLock.Take(Folder));

        Directory.Delete(At(Owner));

        RunLock.Take(Folder).Dispose();
    }

    [Fact]
    public void A_new_run_whose_owner_cannot_be_written_is_an_error_and_not_the_run_of_another_process()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        File.CreateSymbolicLink(At(Owner), At("missing", "owner"));

        Assert.ThrowsAny<IOException>(() => RunLock.TryCreate(Folder));
    }
}
